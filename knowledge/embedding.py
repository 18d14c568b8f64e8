"""Vectors of a version's chunks: what an older version says too is taken over, the rest is embedded, once.

Also the way to a collection's own embedder, for whoever else writes vectors.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.conf import get_embedder
from inference.embedders.base import Embedder, Vectors
from inference.errors import EngineError
from knowledge import index, log
from knowledge.chunking import indexed_text
from knowledge.errors import DocumentLost, EmbeddingFailed
from knowledge.models import Chunk, Collection, Document
from knowledge.removal import in_batches
from knowledge.run import Run

logger = logging.getLogger(__name__)

VECTORS_A_BATCH: Final = 64
SAME_A_QUERY: Final = 500
TEXTS_A_STEP: Final = 8  # how much a stop waits for


@dataclass(frozen=True, slots=True)
class WrittenChunk:
    """A chunk that was written: all that is kept of it in memory.

    is_edited: or switched off, by somebody. is_replaced: an edit stands in its place.
    """

    pk: int
    key: str
    sha256: str
    is_edited: bool
    is_replaced: bool


def write_vectors(run: Run, title: str, chunks: Sequence[WrittenChunk]) -> None:
    """Write the vectors of the chunks of the run's new version.

    Raises: EmbeddingFailed, IndexUnavailable, ProcessingStopped, DocumentLost, LeaseLost.
    """
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


def _texts(document: Document, rows: Sequence[WrittenChunk]) -> list[Chunk]:
    """Fetch chunks with their texts, in order. Raises: DocumentLost when one is gone, with its document."""
    found = Chunk.objects.in_bulk([row.pk for row in rows])
    if len(found) < len(rows):
        raise DocumentLost(str(document.pk))
    return [found[row.pk] for row in rows]


def _log_chunks(document: Document, chunks: Sequence[WrittenChunk], known: Mapping[str, str]) -> None:
    rows = [row for row in chunks if not row.is_replaced]
    taken = sum(1 for row in rows if row.sha256 in known)
    edits = sum(row.is_edited for row in rows)
    told = {"new": len(rows) - taken, "taken_over": taken, "version": document.version, "edits": edits}
    log.record(document, "chunks", told)


def _known_keys(document: Document, chunks: Sequence[WrittenChunk]) -> dict[str, str]:
    """Keys of the document's chunks of other versions, by what they say, where a new one says the same."""
    older = document.chunks.exclude(version=document.version + 1)
    return {
        sha256: key
        for part in in_batches(chunks if document.version else (), SAME_A_QUERY)
        for sha256, key in older.filter(sha256__in={row.sha256 for row in part}).values_list("sha256", "key")
    }


def _known_vectors(
    collection: Collection, batch: Sequence[WrittenChunk], known: Mapping[str, str]
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
