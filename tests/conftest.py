"""What all tests share. The environment is made before Django reads its settings.

DJANGO_SETTINGS_MODULE is not in pyproject.toml for that reason: pytest-django would load the
settings, and with them the developer's data directory, before this file.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

from tests import environment

_data_dir = environment.isolate()

import django  # noqa: E402
import huggingface_hub.constants  # noqa: E402, F401 - it reads HF_HUB_OFFLINE once, when imported
import pytest  # noqa: E402
from django.conf import settings  # noqa: E402

pytest_plugins = ["tests.site"]

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


def _set_up_django() -> None:
    static_root = _data_dir / "static"
    static_root.mkdir()
    settings.STATIC_ROOT = static_root
    settings.SERVESTATIC_USE_MANIFEST = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    # Argon2 is slow on purpose; it stays in the list for the tests that ask for it
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    django.setup()


_set_up_django()


def pytest_configure(config: pytest.Config) -> None:
    """Close sockets to anything but this machine (pytest-socket reads its options later)."""
    config.option.allow_hosts = "127.0.0.1,::1,localhost"
    config.option.allow_unix_socket = True


def pytest_xdist_setupnodes() -> None:
    """Let each xdist worker load the settings itself, after its own `isolate`."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the system's Chromium, and keep it from calling out."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_ARGS}


@pytest.fixture(autouse=True)
def _online_again() -> Iterator[None]:
    """Undo what a runtime does to the process it is loaded in; in the product that is a child of its own."""
    yield
    os.environ.pop("HF_HUB_OFFLINE", None)
