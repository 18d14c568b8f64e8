"""A data directory for one test: files and vectors of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from knowledge import index
from knowledge.models import Collection
from tests.knowledge.factories import make_collection


@pytest.fixture
def own_stores(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Keep files and vectors in a directory that goes with the test."""
    index.close()
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    yield tmp_path
    index.close()


@pytest.fixture
def collection(own_stores: Path, db: None) -> Collection:
    """A collection that everybody may read."""
    return make_collection()
