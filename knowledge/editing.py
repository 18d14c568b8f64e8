"""Chunks that people switch off or edit: always in the draft, never in a release that is out already.

An edit adds an edition: a row of its own, with its own words and vector. What was read stays as the edition
before it, REPLACED, so that it can be taken back. A newer version of the document takes edits over, as
long as the place is read the same.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q, QuerySet

from knowledge import index, lexical, log
from knowledge.chunking import chunk_key, content_sha256
from knowledge.embedding import embed, embedder_of
from knowledge.errors import NotEditable
from knowledge.extract.clean import clean
from knowledge.models import Chunk, ChunkState, Collection, Document
from knowledge.removal import remove_leftovers

if TYPE_CHECKING:
    from accounts.models import User

MAX_CHARS = 8000


def switch_chunk(chunk: Chunk, *, is_on: bool, by: "User | None" = None) -> None:
    """Let a chunk of the current version answer, or not. Raises: NotEditable."""
    before, after = (ChunkState.OFF, ChunkState.LIVE) if is_on else (ChunkState.LIVE, ChunkState.OFF)
    changed = _editable(chunk).filter(state__in=[before, after]).update(state=after)
    if not changed:
        raise NotEditable(str(chunk))
    chunk.state = after
    _log(chunk, "chunk_on" if is_on else "chunk_off", by)


def edit_chunk(chunk: Chunk, text: str, *, by: "User | None" = None) -> Chunk:
    """Put another text in a chunk's place and return its new edition; the text as read takes the edit back.

    Raises: NotEditable, EmbeddingFailed, IndexUnavailable.
    """
    text = clean(text).strip()[:MAX_CHARS]
    document = chunk.document
    if not text:
        raise NotEditable(f"{chunk}: empty")
    as_read = _rows_of(chunk).filter(edition=0).first()
    if as_read and as_read.text == text:
        return _take_back(chunk, as_read, by)
    edited = _edition(chunk, document.title, text, edition=_newest_edition(chunk) + 1)
    collection = Collection.objects.get(pk=document.collection_id)
    embedder = embedder_of(collection)
    vectors = embed(embedder, document.title, [edited]) if embedder else None
    with transaction.atomic():
        if Collection.objects.select_for_update().get(pk=collection.pk).generation != collection.generation:
            raise NotEditable(f"{chunk}: the vectors moved")  # in this very moment; a second try goes through
        if not _editable(chunk).exclude(state=ChunkState.REPLACED).update(state=ChunkState.REPLACED):
            raise NotEditable(str(chunk))
        edited.save(force_insert=True)
        lexical.add([edited])
        if vectors is not None:
            index.upsert(collection, [edited.key], vectors)
        _log(chunk, "chunk_edited", by)
    remove_leftovers(document)
    return edited


def carry_over(document: Document, title: str, fresh: Sequence[Chunk]) -> list[Chunk]:
    """Apply what people did to the version before to the unsaved chunks of the next one."""
    changed = document.chunks.filter(version=document.version).exclude(state=ChunkState.REPLACED)
    changed = changed.filter(Q(edition__gt=0) | Q(state=ChunkState.OFF))
    before = {
        row.read_sha256: row for row in changed.filter(read_sha256__in={row.read_sha256 for row in fresh})
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


def _take_back(chunk: Chunk, as_read: Chunk, by: "User | None") -> Chunk:
    with transaction.atomic():
        if as_read.pk != chunk.pk:
            if not _editable(chunk).exclude(state=ChunkState.REPLACED).update(state=ChunkState.REPLACED):
                raise NotEditable(str(chunk))
            Chunk.objects.filter(pk=as_read.pk).update(state=ChunkState.LIVE)
            as_read.state = ChunkState.LIVE
            _log(chunk, "chunk_restored", by)
    remove_leftovers(chunk.document)
    return as_read


def _log(chunk: Chunk, code: str, by: "User | None") -> None:
    log.record(chunk.document, code, {"number": chunk.ordinal + 1}, stage="edit", by=by)


def _editable(chunk: Chunk) -> QuerySet[Chunk]:
    """The chunk, if it still belongs to its document's current version."""
    return Chunk.objects.filter(pk=chunk.pk, version=F("document__version"))


def _rows_of(chunk: Chunk) -> QuerySet[Chunk]:
    return Chunk.objects.filter(document=chunk.document_id, version=chunk.version, ordinal=chunk.ordinal)


def _newest_edition(chunk: Chunk) -> int:
    return max(_rows_of(chunk).values_list("edition", flat=True))
