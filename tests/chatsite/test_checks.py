"""Bad configuration is named at start-up, with what to do about it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from chatsite import checks
from tests.environment import ROOT
from tests.services import RedisServer, needs_redis

POSTGRESQL = "postgres://chat@localhost/chat"
SQLITE = ""


def ids(check: Callable[..., list[CheckMessage]]) -> list[str]:
    found = check(None)
    assert all(message.hint for message in found), "every finding says what to do"
    return [str(message.id) for message in found]


def test_defaults_have_nothing_to_complain_about() -> None:
    every = (
        checks.check_data_dir,
        checks.check_scaled_out,
        checks.check_redis,
        checks.check_engine,
        checks.check_limits,
        checks.check_site,
        checks.check_debug,
        checks.check_hosts,
        checks.check_proxies,
        checks.check_secret_key,
    )

    assert [found for check in every for found in ids(check)] == []


def test_data_dir_is_refused_when_it_is_a_file(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.write_text("", encoding="utf-8")

    assert ids(checks.check_data_dir) == ["chatsite.E001"]


@pytest.mark.parametrize(
    ("database_url", "redis_url", "chroma_url", "expected"),
    [
        (SQLITE, "", "", []),
        (POSTGRESQL, "", "", []),
        (POSTGRESQL, "redis://localhost", "http://localhost:8001", []),
        (SQLITE, "redis://localhost", "", ["chatsite.E002"]),
        (SQLITE, "redis://localhost", "http://localhost:8001", ["chatsite.E002"]),
        (SQLITE, "", "http://localhost:8001", ["chatsite.E002"]),
        (POSTGRESQL, "redis://localhost", "", ["chatsite.E002"]),
        (POSTGRESQL, "", "http://localhost:8001", ["chatsite.E002"]),
    ],
)
def test_scaled_out_needs_all_three_servers(
    settings: Settings, database_url: str, redis_url: str, chroma_url: str, expected: list[str]
) -> None:
    settings.DATABASE_URL = database_url
    settings.REDIS_URL = redis_url
    settings.CHROMA_URL = chroma_url

    assert ids(checks.check_scaled_out) == expected


@pytest.mark.parametrize(
    ("url", "without_password", "expected"),
    [
        ("redis://localhost:6379/0", False, []),
        ("redis://127.0.0.1:6379/0", False, []),
        ("redis://:secret@redis:6379/0", False, []),
        ("redis://redis:6379/0", True, []),
        ("redis://redis:6379/0", False, ["chatsite.E004"]),
        ("http://redis:6379/0", False, ["chatsite.E003"]),
    ],
)
def test_redis_elsewhere_needs_a_password(
    settings: Settings, url: str, without_password: bool, expected: list[str]
) -> None:
    settings.REDIS_URL = url
    settings.REDIS_WITHOUT_PASSWORD = without_password

    assert ids(checks.check_redis) == expected


def test_unknown_engine_is_refused_with_the_known_ones_named(settings: Settings) -> None:
    settings.ENGINE = "gpt"

    [found] = checks.check_engine(None)

    assert found.id == "chatsite.E005"
    assert "extractive" in str(found.hint)
    assert "auto" in str(found.hint)


def test_model_path_is_refused_when_no_model_is_there(settings: Settings, tmp_path: Path) -> None:
    settings.MODEL_PATH = str(tmp_path)

    assert ids(checks.check_engine) == ["chatsite.E006"]


def test_onnx_engine_is_refused_without_any_model(settings: Settings, tmp_path: Path) -> None:
    settings.ENGINE = "onnx"
    settings.DATA_DIR = tmp_path

    assert ids(checks.check_engine) == ["chatsite.E007"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_UPLOAD_MB", 0, "chatsite.E008"),
        ("MAX_UPLOAD_MB", 100_000, "chatsite.E008"),
        ("MAX_IMAGES", 0, "chatsite.E009"),
        ("MAX_IMAGES", 11, "chatsite.E009"),
        ("MAX_IMAGE_MB", 0, "chatsite.E009"),
        ("MAX_REPLIES_PER_USER", 0, "chatsite.E009"),
        ("MAX_QUEUED_REPLIES", 0, "chatsite.E009"),
        ("MODEL_CONTEXT", 100, "chatsite.E018"),
        ("MODEL_CONTEXT", -1, "chatsite.E018"),
    ],
)
def test_limits_leave_room_for_work(settings: Settings, name: str, value: int, expected: str) -> None:
    setattr(settings, name, value)

    assert ids(checks.check_limits) == [expected]


def test_log_level_port_and_choice_of_ocr_must_exist(settings: Settings) -> None:
    settings.LOG_LEVEL = "LOUD"
    settings.PORT = 70_000
    settings.OCR = "maybe"

    assert ids(checks.check_site) == ["chatsite.E028", "chatsite.E010", "chatsite.E011"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", []), ("::1", []), ("localhost", []), ("0.0.0.0", ["chatsite.E020"])],
)
def test_debug_stays_on_this_machine(settings: Settings, host: str, expected: list[str]) -> None:
    settings.DEBUG = True
    settings.HOST = host

    assert ids(checks.check_debug) == expected


def test_wildcard_host_is_warned_about(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert ids(checks.check_hosts) == ["chatsite.W021"]


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        (["127.0.0.1", "10.0.0.0/8", "fd00::/8"], []),
        (["proxy.example.org"], ["chatsite.E022"]),
        (["0.0.0.0/0"], ["chatsite.E023"]),
    ],
)
def test_trusted_proxies_are_addresses(settings: Settings, proxies: list[str], expected: list[str]) -> None:
    settings.TRUSTED_PROXIES = proxies

    assert ids(checks.check_proxies) == expected


def test_short_secret_key_is_refused(settings: Settings) -> None:
    settings.SECRET_KEY = "short"

    assert ids(checks.check_secret_key) == ["chatsite.E024"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ENGINE": "gpt"}, "chatsite.E005"),
        ({"REDIS_URL": "redis://localhost:1/0"}, "chatsite.E002"),
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"EMAIL_URL": "pigeon://coop"}, "EMAIL_URL must start with"),
        ({"DATABASE_URL": "mysql://localhost/chat"}, "DATABASE_URL must start with"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_check_command_fails_and_names_the_variable(
    tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert expected in done.stderr


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@needs_redis
def test_redis_that_may_evict_waiting_work_is_refused(settings: Settings, redis_server: RedisServer) -> None:
    settings.REDIS_URL = redis_server.url
    checks.check_services()
    redis_server.configure("maxmemory-policy", "allkeys-lru")

    with pytest.raises(ImproperlyConfigured, match="noeviction"):
        checks.check_services()


@needs_redis
def test_worker_does_not_start_on_a_redis_that_may_evict(tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.configure("maxmemory-policy", "allkeys-lru")

    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "chatsite", "worker", "-Q", "background", "--pool", "threads"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://chat@127.0.0.1/chat",
            "REDIS_URL": redis_server.url,
            "CHROMA_URL": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert "noeviction" in done.stderr
