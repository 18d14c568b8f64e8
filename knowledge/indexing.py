"""Write one version of a document into the stores.

Order: rows with their words (one transaction a batch), vectors, then the pointer `Document.version`
flips, then the old version goes unless a release holds it. Whoever dies in between leaves chunks of a
version that no document points to: they are never retrieved, and the next run removes them first.

A chunk that says what one of an older version says takes over its vector; only what is new is embedded.
A chunk that somebody switched off or edited stays so in the new version, as long as it is read the same.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from inference.conf import get_embedder
from knowledge import lexical, log
from knowledge.chunking import CHUNKER, ChunkDraft, chunk, chunk_key, content_sha256
from knowledge.editing import carry_over
from knowledge.embedding import WrittenChunk, write_vectors
from knowledge.errors import ProcessingStopped
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
    write_vectors(run, title, rows)
    while not _publish(run, title, extracted, chunk_count):  # its vectors were made anew meanwhile: go along
        write_vectors(run, title, rows)
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


def _write_rows(run: Run, title: str, drafts: Sequence[ChunkDraft]) -> list[WrittenChunk]:
    written: list[WrittenChunk] = []
    for batch in in_batches(drafts, ROWS_A_BATCH):
        run.check()
        with transaction.atomic():
            run.hold()
            rows = Chunk.objects.bulk_create(
                carry_over(run.document, title, _build(run.document, title, batch))
            )
            lexical.add(rows)
        written += (
            WrittenChunk(
                pk=row.pk,
                key=row.key,
                sha256=row.sha256,
                is_edited=bool(row.edition) or row.state == ChunkState.OFF,
                is_replaced=row.state == ChunkState.REPLACED,
            )
            for row in rows
        )
    return written


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
