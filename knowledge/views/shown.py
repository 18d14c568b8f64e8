"""What of a document a person is shown: what answers them, what an older answer cited, or the draft."""

from dataclasses import dataclass

from django.db.models import QuerySet

from knowledge.models import Chunk, ChunkState, Document, DocumentStatus, Release
from knowledge.scope import chunks_answering

MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Shown:
    """Chunks of one version, in reading order.

    open: the one that is marked. release: whose they are, where it is not what answers now. is_draft: they
    may be switched and edited. has_newer: another text of the document answers now.
    """

    chunks: QuerySet[Chunk]
    version: int
    open: Chunk | None = None
    release: Release | None = None
    is_draft: bool = False
    has_newer: bool = False


def number_of(text: str) -> int | None:
    """Read the id or number that an address names; None for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if is_number else None


def answering(document: Document) -> QuerySet[Chunk]:
    """Chunks of a document that its readers get answers from now."""
    return chunks_answering([document.collection]).filter(document=document).order_by("ordinal")


def for_reader(document: Document, named: str) -> Shown | None:
    """What a reader may see; named: the chunk a citation names. None: nothing, or nothing any more."""
    if document.status == DocumentStatus.DELETING:
        return None
    chunks = answering(document)
    if not named:
        first = chunks.first()
        return Shown(chunks, first.version) if first else None
    chunk = _chunk(document, named)
    if chunk is None:
        return None
    if chunks.filter(pk=chunk.pk).exists():
        return Shown(chunks, chunk.version, chunk)
    return _in_release(document, chunk)


def for_manager(document: Document, named: str, version: str = "") -> Shown | None:
    """The draft's text, an older version's, or what an older answer cited; None: it is gone."""
    wanted = number_of(version) or 0
    if version and wanted != document.version:
        held = document.chunks.filter(version=wanted, memberships__isnull=False)
        newest = held.order_by("-memberships__release__number").first()
        return _in_release(document, newest, is_marked=False) if newest else None
    chunks = draft_chunks(document)
    if not named:
        return Shown(chunks, document.version, is_draft=True)
    chunk = _chunk(document, named)
    if chunk is None:
        return None
    if chunk.version == document.version:
        in_place = chunks.filter(ordinal=chunk.ordinal).first()
        return Shown(chunks, document.version, in_place, is_draft=True)
    return _in_release(document, chunk)


def draft_chunks(document: Document) -> QuerySet[Chunk]:
    """Chunks of the current version, the newest edition of each, switched on or off."""
    return (
        document.chunks.filter(version=document.version)
        .exclude(state=ChunkState.REPLACED)
        .order_by("ordinal")
    )


def _chunk(document: Document, named: str) -> Chunk | None:
    pk = number_of(named)
    return document.chunks.filter(pk=pk).first() if pk is not None else None


def _in_release(document: Document, chunk: Chunk, *, is_marked: bool = True) -> Shown | None:
    """Show a chunk among those of the newest kept release that holds it."""
    release = Release.objects.filter(members__chunk=chunk).order_by("-number").first()
    if release is None:
        return None
    return Shown(
        document.chunks.filter(memberships__release=release).order_by("ordinal"),
        chunk.version,
        chunk if is_marked else None,
        release,
        has_newer=answering(document).exists(),
    )
