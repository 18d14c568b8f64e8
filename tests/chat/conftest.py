"""Fixtures of the chat room's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from inference import conf
from tests.chat.model_desk import browser_of


@pytest.fixture
def fresh_engines(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Give every test engines and a data directory of its own."""
    settings.DATA_DIR = tmp_path
    conf.reset()
    yield
    conf.reset()


@pytest.fixture
def root() -> Client:
    """The browser of a superuser."""
    return browser_of(User.objects.create_superuser("alice", "alice@example.org", "x"))
