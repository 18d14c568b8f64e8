"""Which chunks may answer: a collection's published release, its draft, or one release by name.

The only place that says so. Every id that an index returns is asked here again before anyone sees it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from knowledge.models import (
    Chunk,
    ChunkState,
    Collection,
    Document,
    DocumentStatus,
    DocumentVersion,
    Release,
    ReleaseChunk,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked: LIVE, DRAFT, or `of(release)`, which leaves other collections out.

    without: a document that is left out, to learn what is found where nothing answers.
    """

    is_draft: bool = False
    release_id: int | None = None
    without: UUID | None = None


LIVE: Final = Scope()
DRAFT: Final = Scope(is_draft=True)


def of(release: Release) -> Scope:
    """Ask one release, published or not."""
    return Scope(release_id=release.pk)


def chunks_answering(places: Sequence[Collection], scope: Scope = LIVE) -> QuerySet[Chunk]:
    """Chunks of these collections that may answer; no collections, no chunks."""
    if scope.release_id is not None:
        drafts, releases = [], [scope.release_id]
    else:
        drafts = [place.pk for place in places if scope.is_draft or place.release_id is None]
        releases = [place.release_id for place in places if place.release_id and not scope.is_draft]
    is_published = Exists(ReleaseChunk.objects.filter(release__in=releases, chunk=OuterRef("pk")))
    rule = Q(
        document__collection__in=drafts,
        document__is_disabled=False,
        state=ChunkState.LIVE,
        version=F("document__version"),
    )
    if releases:
        rule |= Q(is_published)
    found = Chunk.objects.filter(rule, document__collection__in=[place.pk for place in places]).exclude(
        document__status=DocumentStatus.DELETING
    )
    return found.exclude(document=scope.without) if scope.without else found


def draft_chunks(collection: Collection) -> QuerySet[Chunk]:
    """Chunks that a release published now would hold."""
    return chunks_answering([collection], DRAFT)


def documents_answering(places: Sequence[Collection], scope: Scope = LIVE) -> QuerySet[Document]:
    """Documents that have a chunk that may answer."""
    chunks = chunks_answering(places, scope)
    return Document.objects.filter(
        Exists(chunks.filter(document=OuterRef("pk")).order_by()),
        collection__in=[place.pk for place in places],
    )


def release_numbers(places: Iterable[Collection], scope: Scope = LIVE) -> dict[int, int]:
    """Number of the release that answers, by collection id; where the draft answers there is none."""
    if scope.is_draft:
        return {}
    asked = [scope.release_id] if scope.release_id else [place.release_id for place in places]
    return dict(
        Release.objects.filter(pk__in=[pk for pk in asked if pk]).values_list("collection_id", "number")
    )


def versions_of(chunks: Iterable[Chunk]) -> dict[tuple[UUID, int], DocumentVersion]:
    """The versions that chunks belong to, by document and number: their title and name at that time."""
    wanted = {(chunk.document_id, chunk.version) for chunk in chunks}
    found = DocumentVersion.objects.filter(
        document__in={document for document, _number in wanted}, number__in={number for _, number in wanted}
    )
    return {(row.document_id, row.number): row for row in found if (row.document_id, row.number) in wanted}


def titles_of(chunks: Sequence[Chunk]) -> dict[int, str]:
    """Title of each chunk's document in the chunk's version, by chunk id; the current one for lack of it."""
    versions = versions_of(chunks)
    titles = {}
    for chunk in chunks:
        version = versions.get((chunk.document_id, chunk.version))
        titles[chunk.pk] = version.title if version else chunk.document.title
    return titles
