"""Chunks that people switch off or edit: always in the draft, never in a release that is out already.

An edit adds an edition: a row of its own, with its own words and vector. What was read stays as the edition
before it, REPLACED, so that it can be taken back. A newer version of the document takes edits over, as
long as the place is read the same.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet

from knowledge import index, lexical
from knowledge.chunking import chunk_key, content_sha256
from knowledge.errors import NotEditable
from knowledge.models import Chunk, ChunkState, Document
from knowledge.removal import remove_leftovers

MAX_CHARS = 8000


def switch_chunk(chunk: Chunk, *, is_on: bool) -> None:
    """Let a chunk of the current version answer, or not. Raises: NotEditable."""
    before, after = (ChunkState.OFF, ChunkState.LIVE) if is_on else (ChunkState.LIVE, ChunkState.OFF)
    changed = _editable(chunk).filter(state__in=[before, after]).update(state=after)
    if not changed:
        raise NotEditable(str(chunk))
    chunk.state = after


def edit_chunk(chunk: Chunk, text: str) -> Chunk:
    """Put another text in a chunk's place and return its new edition; the text as read takes the edit back.

    Raises: NotEditable, EmbeddingFailed, IndexUnavailable.
    """
    from knowledge.indexing import embed  # it carries edits over, so it imports this module

    text = text.strip()[:MAX_CHARS]
    document = chunk.document
    if not text:
        raise NotEditable(f"{chunk}: empty")
    as_read = _rows_of(chunk).filter(edition=0).first()
    if as_read and as_read.text == text:
        return _take_back(chunk, as_read)
    edited = _edition(chunk, document.title, text, edition=_newest_edition(chunk) + 1)
    vectors = embed(document.title, [edited])
    with transaction.atomic():
        if not _editable(chunk).exclude(state=ChunkState.REPLACED).update(state=ChunkState.REPLACED):
            raise NotEditable(str(chunk))
        edited.save(force_insert=True)
        lexical.add([edited])
        index.upsert(document.collection, [edited.key], vectors)
    remove_leftovers(document)
    return edited


def carry_over(document: Document, title: str, fresh: Sequence[Chunk]) -> list[Chunk]:
    """Apply what people did to the version before to the unsaved chunks of the next one."""
    before = {
        row.read_sha256: row
        for row in document.chunks.filter(version=document.version).exclude(state=ChunkState.REPLACED)
        if row.read_sha256 and (row.edition or row.state == ChunkState.OFF)
    }
    rows: list[Chunk] = []
    for row in fresh:
        rows.append(row)
        if earlier := before.get(row.read_sha256):
            if earlier.edition:
                row.state = ChunkState.REPLACED
                row = _edition(row, title, earlier.text, edition=1)
                rows.append(row)
            row.state = ChunkState(earlier.state)
    return rows


def _edition(chunk: Chunk, title: str, text: str, *, edition: int) -> Chunk:
    return Chunk(
        key=chunk_key(chunk.document_id, chunk.version, chunk.ordinal, edition),
        document=chunk.document,
        version=chunk.version,
        ordinal=chunk.ordinal,
        edition=edition,
        text=text,
        heading=chunk.heading,
        page=chunk.page,
        start=chunk.start,
        sha256=content_sha256(title, chunk.heading, text),
        read_sha256=chunk.read_sha256,
    )


def _take_back(chunk: Chunk, as_read: Chunk) -> Chunk:
    with transaction.atomic():
        if as_read.pk != chunk.pk:
            if not _editable(chunk).exclude(state=ChunkState.REPLACED).update(state=ChunkState.REPLACED):
                raise NotEditable(str(chunk))
            Chunk.objects.filter(pk=as_read.pk).update(state=ChunkState.LIVE)
            as_read.state = ChunkState.LIVE
    remove_leftovers(chunk.document)
    return as_read


def _editable(chunk: Chunk) -> QuerySet[Chunk]:
    """The chunk, if it still belongs to its document's current version."""
    return Chunk.objects.filter(pk=chunk.pk, version=F("document__version"))


def _rows_of(chunk: Chunk) -> QuerySet[Chunk]:
    return Chunk.objects.filter(document=chunk.document_id, version=chunk.version, ordinal=chunk.ordinal)


def _newest_edition(chunk: Chunk) -> int:
    return max(_rows_of(chunk).values_list("edition", flat=True))
