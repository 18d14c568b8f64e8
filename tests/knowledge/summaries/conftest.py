"""Engines for summaries: quotes alone, or the tiny Phi-3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from inference import conf
from jobs import worker
from tests.environment import ROOT
from tests.knowledge.people import alice, bob, private
from tests.knowledge.stores import collection, own_stores

__all__ = ["alice", "bob", "collection", "own_stores", "private"]


@pytest.fixture(autouse=True)
def _own_engines(settings: Settings) -> Iterator[None]:
    settings.ENGINE = "extractive"
    conf.reset()
    worker._slots.cache_clear()
    yield
    conf.reset()
    worker._slots.cache_clear()


@pytest.fixture
def tiny(settings: Settings) -> Path:
    """Let the tiny Phi-3 write: it knows no language, so all it says is noise."""
    settings.ENGINE = "onnx"
    settings.MODEL_CONTEXT = 1024
    settings.MODEL_PATH = str(ROOT / "tests" / "fixtures" / "tiny-phi3")
    return ROOT / "tests" / "fixtures" / "tiny-phi3"
