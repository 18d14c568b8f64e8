"""Write one version of a document into the stores.

Order: rows with their words (one transaction a batch), vectors, then the pointer `Document.version`
flips, then the old version goes unless a release holds it. Whoever dies in between leaves chunks of a
version that no document points to: they are never retrieved, and the next run removes them first.

A chunk that says what one of an older version says takes over its vector; only what is new is embedded.
A chunk that somebody switched off or edited stays so in the new version, as long as it is read the same.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone

from inference.conf import get_embedder
from inference.embedders.base import Embedder, Vectors
from inference.errors import EngineError
from knowledge import index, lexical, log
from knowledge.chunking import CHUNKER, ChunkDraft, chunk, chunk_key, content_sha256, indexed_text
from knowledge.editing import carry_over
from knowledge.errors import DocumentLost, EmbeddingFailed, ProcessingStopped
from knowledge.extract.errors import NoText, Stopped, loses_text
from knowledge.extract.types import ExtractedText
from knowledge.language import detect_document
from knowledge.models import Chunk, ChunkState, Collection, Document, DocumentStatus, DocumentVersion
from knowledge.ocr import extract
from knowledge.removal import in_batches, remove_leftovers
from knowledge.run import Run
from knowledge.tokens import TOKENISER

logger = logging.getLogger(__name__)

PARSE_TIMEOUT_S = 60.0
ROWS_A_BATCH = 25  # short transactions: SQLite has one writer, and chats write too
VECTORS_A_BATCH = 64
SAME_A_QUERY = 500
TEXTS_A_STEP = 8  # how much a stop waits for


@dataclass(frozen=True, slots=True)
class _Row:
    """A chunk that was written: all that is kept of it in memory.

    is_edited: or switched off, by somebody. is_replaced: an edit stands in its place.
    """

    pk: int
    key: str
    sha256: str
    is_edited: bool
    is_replaced: bool


def read_into_index(run: Run) -> None:
    """Extract, chunk, embed and publish the run's document.

    Raises: ExtractError, EmbeddingFailed, IndexUnavailable, ProcessingStopped, DocumentLost, LeaseLost.
    """
    document = run.document
    run.enter(DocumentStatus.PARSING)
    remove_leftovers(document)
    began = time.monotonic()
    extracted = _extract(run)
    _log_parsed(document, extracted, time.monotonic() - began)
    drafts = without_repeats(chunk(extracted))
    if not drafts:
        raise NoText()
    document.title = title = (extracted.title or document.name).strip()[:255]
    document.language = detect_document([draft.text for draft in drafts])
    run.enter(DocumentStatus.EMBEDDING, total=len(drafts))
    document.collection.refresh_from_db()
    chunk_count, extracted = len(drafts), replace(extracted, sections=())
    rows = _write_rows(run, title, drafts)
    drafts.clear()  # a long document's text is in the rows now, and nowhere else
    _write_vectors(run, title, rows)
    while not _publish(run, title, extracted, chunk_count):  # its vectors were made anew meanwhile: go along
        _write_vectors(run, title, rows)
    log.record(document, "published", {"version": document.version + 1}, stage=DocumentStatus.READY)
    remove_leftovers(document)


def without_repeats(drafts: Sequence[ChunkDraft]) -> list[ChunkDraft]:
    """Leave out chunks that say again, word for word and under the same heading, what one before says.

    They add nothing to an answer, and many equal vectors hide their neighbours from the nearest-neighbour
    search: its graph leads from one copy to the next.
    """
    kept: dict[str, ChunkDraft] = {}
    for draft in drafts:
        kept.setdefault(content_sha256("", draft.heading, " ".join(draft.text.split())), draft)
    return list(kept.values())


def _extract(run: Run) -> ExtractedText:
    document = run.document

    def should_stop() -> bool:
        run.check()
        return False

    try:
        return extract(
            Path(document.file.path),
            document.name,
            timeout_s=PARSE_TIMEOUT_S,
            on_progress=run.report,
            should_stop=should_stop,
        )
    except Stopped as exc:
        raise ProcessingStopped(str(document.pk)) from exc


def _log_parsed(document: Document, extracted: ExtractedText, seconds: float) -> None:
    read = {"pages": extracted.pages or 0, "sections": len(extracted.sections)}
    log.record(document, "parsed", {**read, "seconds": round(seconds, 2)})
    for warning in extracted.warnings:
        log.record(document, "warning", {"warning": warning}, level=log.Level.WARNING)


def _build(document: Document, title: str, drafts: Sequence[ChunkDraft]) -> list[Chunk]:
    version = document.version + 1
    return [
        Chunk(
            key=chunk_key(document.pk, version, draft.ordinal),
            document=document,
            version=version,
            ordinal=draft.ordinal,
            text=draft.text,
            heading=draft.heading,
            page=draft.page,
            start=draft.start,
            sha256=content_sha256(title, draft.heading, draft.text),
            read_sha256=content_sha256("", draft.heading, draft.text),
        )
        for draft in drafts
    ]


def _write_rows(run: Run, title: str, drafts: Sequence[ChunkDraft]) -> list[_Row]:
    written: list[_Row] = []
    for batch in in_batches(drafts, ROWS_A_BATCH):
        run.check()
        with transaction.atomic():
            run.hold()
            rows = Chunk.objects.bulk_create(
                carry_over(run.document, title, _build(run.document, title, batch))
            )
            lexical.add(rows)
        written += (
            _Row(
                pk=row.pk,
                key=row.key,
                sha256=row.sha256,
                is_edited=bool(row.edition) or row.state == ChunkState.OFF,
                is_replaced=row.state == ChunkState.REPLACED,
            )
            for row in rows
        )
    return written


def _write_vectors(run: Run, title: str, chunks: list[_Row]) -> None:
    collection = run.document.collection
    embedder = embedder_of(collection)
    if embedder is None:
        return
    known = _known_keys(run.document, chunks)
    _log_chunks(run.document, chunks, known)
    began, done = time.monotonic(), 0
    for batch in in_batches(chunks, VECTORS_A_BATCH):
        vectors = _known_vectors(collection, batch, known)
        for step in in_batches((row for row in batch if row.key not in vectors), TEXTS_A_STEP):
            made = embed(embedder, title, _texts(run.document, step))
            vectors.update(zip([row.key for row in step], made, strict=True))
            run.report(done + len(vectors), len(chunks))
        done += len(batch)
        run.report(done, len(chunks))
        keys = [row.key for row in batch]
        index.upsert(collection, keys, np.stack([vectors[key] for key in keys]))
        try:
            run.hold()
        except DocumentLost:
            index.delete(collection, keys)  # whoever deleted the document may have passed here already
            raise
    fresh = sum(1 for row in chunks if row.sha256 not in known)
    seconds = round(time.monotonic() - began, 2)
    log.record(run.document, "embedded", {"count": fresh, "seconds": seconds})


def _texts(document: Document, rows: Sequence[_Row]) -> list[Chunk]:
    """Fetch chunks with their texts, in order. Raises: DocumentLost when one is gone, with its document."""
    found = Chunk.objects.in_bulk([row.pk for row in rows])
    if len(found) < len(rows):
        raise DocumentLost(str(document.pk))
    return [found[row.pk] for row in rows]


def _log_chunks(document: Document, chunks: Sequence[_Row], known: Mapping[str, str]) -> None:
    rows = [row for row in chunks if not row.is_replaced]
    taken = sum(1 for row in rows if row.sha256 in known)
    edits = sum(row.is_edited for row in rows)
    told = {"new": len(rows) - taken, "taken_over": taken, "version": document.version, "edits": edits}
    log.record(document, "chunks", told)


def _known_keys(document: Document, chunks: Sequence[_Row]) -> dict[str, str]:
    """Keys of the document's chunks of other versions, by what they say, where a new one says the same."""
    older = document.chunks.exclude(version=document.version + 1)
    return {
        sha256: key
        for part in in_batches(chunks if document.version else (), SAME_A_QUERY)
        for sha256, key in older.filter(sha256__in={row.sha256 for row in part}).values_list("sha256", "key")
    }


def _known_vectors(
    collection: Collection, batch: Sequence[_Row], known: Mapping[str, str]
) -> dict[str, Vectors]:
    """Vectors that an older version's chunks have already, by the new chunks' keys."""
    old = {row.key: known[row.sha256] for row in batch if row.sha256 in known}
    found = index.get_vectors(collection, list(old.values()))
    return {key: found[before] for key, before in old.items() if before in found}


def embedder_of(collection: Collection) -> Embedder | None:
    """The embedder of a collection's vectors; None where it is gone and they are about to be made anew.

    Raises: EmbeddingFailed.
    """
    try:
        embedder = get_embedder(collection.embedder)
        embedder.load()
    except EngineError as exc:
        if collection.embedder not in ("", get_embedder().name):
            logger.warning("%s: words alone until its vectors are made anew: %s", collection.slug, exc)
            return None
        raise EmbeddingFailed(str(exc)) from exc
    return embedder


def embed(embedder: Embedder, title: str, chunks: Sequence[Chunk]) -> Vectors:
    """Embed chunks as the vector index keeps them.

    Shape: (len(chunks), dimensions). Raises: EmbeddingFailed.
    """
    try:
        return embedder.embed_documents([indexed_text(title, chunk.heading, chunk.text) for chunk in chunks])
    except EngineError as exc:
        raise EmbeddingFailed(str(exc)) from exc


def _publish(run: Run, title: str, extracted: ExtractedText, chunk_count: int) -> bool:
    """Point the document at its new version; False where its collection's vectors moved meanwhile."""
    document = run.document
    number = document.version + 1
    facts = {
        "format": extracted.format[:16],
        "pages": extracted.pages,
        "warnings": list(extracted.warnings),
        "chunk_count": chunk_count,
    }
    with transaction.atomic():
        run.hold()
        if not _is_in_place(document.collection):
            return False
        DocumentVersion.objects.create(
            document=document,
            number=number,
            reason=_reason(document),
            name=document.name,
            title=title,
            file=document.file.name or "",
            size_bytes=document.size_bytes,
            sha256=document.sha256,
            chunker=CHUNKER,
            **facts,
        )
        Document.objects.filter(pk=document.pk).update(
            version=number,
            status=DocumentStatus.READY,
            title=title,
            language=document.language,
            is_partial=loses_text(extracted.warnings),
            error_code="",
            error_message="",
            updated_at=timezone.now(),
            **facts,
        )
    logger.info("document %s ready: %s chunks", document.pk, chunk_count)
    return True


def _is_in_place(collection: Collection) -> bool:
    """Say whether the vectors went where they are asked for; stamp a collection that had none before."""
    now = Collection.objects.select_for_update().get(pk=collection.pk)
    if not now.embedder:
        now.embedder, now.tokeniser = get_embedder().name, TOKENISER
        now.save(update_fields=["embedder", "tokeniser"])
    is_in_place = now.generation == collection.generation
    collection.generation, collection.embedder = now.generation, now.embedder
    return is_in_place


def _reason(document: Document) -> str:
    """Tell why it was read: for the first time, because its file is another one, or once more."""
    before = document.versions.filter(number=document.version).first()
    if before is None:
        return DocumentVersion.Reason.UPLOAD
    if before.sha256 == document.sha256:
        return DocumentVersion.Reason.AGAIN
    return DocumentVersion.Reason.SOURCE if document.source_id else DocumentVersion.Reason.REPLACED
