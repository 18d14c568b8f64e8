"""Write one version of a document into the stores.

Order: rows with their words (one transaction a batch), vectors, then the pointer `Document.version`
flips, then the old version goes. Whoever dies in between leaves chunks of a version that no document
points to: they are never retrieved, and the next run removes them first.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone

from inference.conf import get_embedder
from inference.embedders.base import Vectors
from inference.errors import EngineError
from knowledge import index, lexical
from knowledge.chunking import ChunkDraft, chunk, chunk_key, content_sha256, indexed_text
from knowledge.errors import DocumentLost, EmbeddingFailed, ProcessingStopped
from knowledge.extract.errors import NoText, Stopped
from knowledge.extract.runner import extract
from knowledge.extract.types import ExtractedText
from knowledge.models import Chunk, Document, DocumentStatus
from knowledge.removal import in_batches, remove_leftovers
from knowledge.run import Run

logger = logging.getLogger(__name__)

PARSE_TIMEOUT_S = 60.0
ROWS_A_BATCH = 25  # short transactions: SQLite has one writer, and chats write too
VECTORS_A_BATCH = 64
TEXTS_A_STEP = 8  # how much a stop waits for


def read_into_index(run: Run) -> None:
    """Extract, chunk, embed and publish the run's document.

    Raises: ExtractError, EmbeddingFailed, IndexUnavailable, ProcessingStopped, DocumentLost, LeaseLost.
    """
    document = run.document
    run.enter(DocumentStatus.PARSING)
    remove_leftovers(document)
    extracted = _extract(run)
    drafts = without_repeats(chunk(extracted))
    if not drafts:
        raise NoText()
    document.title = title = (extracted.title or document.name).strip()[:255]
    run.enter(DocumentStatus.EMBEDDING, total=len(drafts))
    chunks = _write_rows(run, _build(document, title, drafts))
    _write_vectors(run, title, chunks)
    _publish(run, title, extracted, len(chunks))
    remove_leftovers(document)


def without_repeats(drafts: Sequence[ChunkDraft]) -> list[ChunkDraft]:
    """Leave out chunks that say again, word for word and under the same heading, what one before says.

    They add nothing to an answer, and many equal vectors hide their neighbours from the nearest-neighbour
    search: its graph leads from one copy to the next.
    """
    kept: dict[tuple[str, str], ChunkDraft] = {}
    for draft in drafts:
        kept.setdefault((draft.heading, " ".join(draft.text.split())), draft)
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


def _build(document: Document, title: str, drafts: list[ChunkDraft]) -> list[Chunk]:
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
        )
        for draft in drafts
    ]


def _write_rows(run: Run, chunks: list[Chunk]) -> list[Chunk]:
    written: list[Chunk] = []
    for batch in in_batches(chunks, ROWS_A_BATCH):
        run.check()
        with transaction.atomic():
            run.hold()
            rows = Chunk.objects.bulk_create(batch)
            lexical.add(rows)
        written += rows
    return written


def _write_vectors(run: Run, title: str, chunks: list[Chunk]) -> None:
    collection = run.document.collection
    done = 0
    for batch in in_batches(chunks, VECTORS_A_BATCH):
        vectors = []
        for step in in_batches(batch, TEXTS_A_STEP):
            vectors.append(embed(title, step))
            done += len(step)
            run.report(done, len(chunks))
        keys = [row.key for row in batch]
        index.upsert(collection, keys, np.concatenate(vectors))
        try:
            run.hold()
        except DocumentLost:
            index.delete(collection, keys)  # whoever deleted the document may have passed here already
            raise


def embed(title: str, chunks: Sequence[Chunk]) -> Vectors:
    """Embed chunks as the vector index keeps them.

    Shape: (len(chunks), dimensions). Raises: EmbeddingFailed.
    """
    try:
        return get_embedder().embed_documents(
            [indexed_text(title, chunk.heading, chunk.text) for chunk in chunks]
        )
    except EngineError as exc:
        raise EmbeddingFailed(str(exc)) from exc


def _publish(run: Run, title: str, extracted: ExtractedText, chunk_count: int) -> None:
    document = run.document
    with transaction.atomic():
        run.hold()
        Document.objects.filter(pk=document.pk).update(
            version=document.version + 1,
            status=DocumentStatus.READY,
            title=title,
            format=extracted.format[:16],
            pages=extracted.pages,
            warnings=list(extracted.warnings),
            chunk_count=chunk_count,
            error_code="",
            error_message="",
            updated_at=timezone.now(),
        )
    logger.info("document %s ready: %s chunks", document.pk, chunk_count)
