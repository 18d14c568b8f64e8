"""A web site to read from, and a folder to keep in step with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from knowledge.models import Collection, Source, SourceKind
from knowledge.run import Unwatched
from knowledge.sources.findings import Tally
from knowledge.sources.syncing import sync
from tests.knowledge.sources.web import WebSite, web_site


@pytest.fixture
def web(settings: Settings) -> Iterator[WebSite]:
    """A site that the operator lets this one read."""
    with web_site() as site:
        settings.SOURCE_ALLOW_PRIVATE = ["localhost"]
        settings.SOURCE_PORTS = [str(site.port)]
        yield site


@pytest.fixture
def shelf(tmp_path: Path, settings: Settings) -> Path:
    """A folder that the operator allows."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    settings.SOURCE_FOLDERS = [str(folder)]
    return folder


def follow(collection: Collection, address: str, kind: SourceKind = SourceKind.SITE, **more: int) -> Source:
    """Make a source."""
    return Source.objects.create(collection=collection, kind=kind, address=address, **more)


def look(source: Source) -> Tally:
    """Look at a source once, in this thread."""
    return sync(source, Unwatched())


def shortened(address: str) -> str:
    """Write an address without its server's name."""
    return "/" + address.partition("://")[2].partition("/")[2] if "://" in address else address


def addresses(collection: Collection) -> list[str]:
    """Where the collection's documents were taken from."""
    return sorted(map(shortened, collection.documents.values_list("address", flat=True)))


def reasons(source: Source) -> dict[str, str]:
    """Why addresses were not read."""
    return {shortened(entry.address): entry.code for entry in source.entries.exclude(code="")}
