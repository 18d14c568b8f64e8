"""Whether both indexes hold the draft as its chunks say: nothing missing, nothing exchanged. By samples."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np

from inference.embedders.base import Vectors
from knowledge import index, lexical
from knowledge.embedding import embed, embedder_of
from knowledge.models import Chunk, Collection
from knowledge.releases.findings import Finding
from knowledge.releases.pairs import Pair
from knowledge.removal import in_batches
from knowledge.scope import draft_chunks, titles_of
from knowledge.sentences import split_sentences
from knowledge.tokens import query_tokens

CHANGED: Final = 32  # chunks of changed documents that are embedded once more
OTHERS: Final = 16  # and of all
ALIKE: Final = 0.98  # cosine of a vector with itself, made anew
COMPARED: Final = 600  # vectors looked at for emptiness and doubles
ASKED: Final = 24  # chunks looked for by their own words
DEEP: Final = 20

T = TypeVar("T")


def find_vector_faults(
    collection: Collection, pairs: Sequence[Pair], check: Callable[[], None]
) -> list[Finding]:
    """Compare vectors with their chunks. check: raises to stop. Raises: IndexUnavailable, EmbeddingFailed."""
    keys = set(draft_chunks(collection).order_by().values_list("key", flat=True))
    missing = len(keys - index.list_keys(collection))
    found = [Finding("vectors_missing", params={"chunks": missing})] if missing else []
    check()
    changed = _changed(pairs)
    some = list(draft_chunks(collection).select_related("document").order_by("key")[:OTHERS])
    shared = _shared(collection, changed[:COMPARED])
    if shared:
        found.append(Finding("vectors_shared", params={"chunks": shared}))
    sample = list({chunk.pk: chunk for chunk in _every(changed, CHANGED) + some}.values())
    other = _count_unlike(collection, sample, check)
    if other:
        found.append(Finding("vectors_other", params={"chunks": other, "of": len(sample)}))
    return found


def find_word_faults(collection: Collection, pairs: Sequence[Pair]) -> list[Finding]:
    """Look for the draft's chunks in the word index, and for some of them by their own words."""
    ids = set(draft_chunks(collection).order_by().values_list("pk", flat=True))
    missing = len(ids - lexical.list_ids(collection.pk))
    found = [Finding("words_missing", params={"chunks": missing})] if missing else []
    sample = _every(_changed(pairs), ASKED)
    lost = sum(not _is_found(collection, chunk) for chunk in sample)
    if lost and not missing:
        found.append(Finding("words_other", params={"chunks": lost, "of": len(sample)}))
    return found


def _changed(pairs: Sequence[Pair]) -> list[Chunk]:
    ids = [piece.pk for pair in pairs for piece in pair.after.pieces]
    found: list[Chunk] = []
    for batch in in_batches(_every(ids, COMPARED), 500):
        found += Chunk.objects.filter(pk__in=batch).select_related("document__collection").order_by("pk")
    return found


def _every(items: Sequence[T], most: int) -> list[T]:
    """Take at most so many, spread evenly."""
    step = max(1, -(-len(items) // most))
    return list(items[::step])


def _shared(collection: Collection, chunks: Sequence[Chunk]) -> int:
    """Count chunks whose vector is empty or another text's as well."""
    vectors = index.get_vectors(collection, [chunk.key for chunk in chunks])
    owners: dict[bytes, set[str]] = {}
    bad = 0
    for chunk in chunks:
        vector = vectors.get(chunk.key)
        if vector is None:
            continue
        if not np.isfinite(vector).all() or float(np.linalg.norm(vector)) < 0.5:
            bad += 1
            continue
        owners.setdefault(vector.tobytes(), set()).add(" ".join(chunk.text.casefold().split()))
    return bad + sum(len(texts) for texts in owners.values() if len(texts) > 1)


def _count_unlike(collection: Collection, sample: Sequence[Chunk], check: Callable[[], None]) -> int:
    """Embed chunks once more and count those whose stored vector is another one."""
    embedder = embedder_of(collection)
    if embedder is None:
        return 0  # its vectors are about to be made anew, and words decide until then
    stored = index.get_vectors(collection, [chunk.key for chunk in sample])
    titles = titles_of(sample)
    unlike = 0
    for chunk in sample:
        check()
        if (vector := stored.get(chunk.key)) is not None:
            fresh = embed(embedder, titles[chunk.pk], [chunk])[0]
            unlike += _cosine(vector, fresh) < ALIKE
    return unlike


def _cosine(one: Vectors, other: Vectors) -> float:
    if one.shape != other.shape:
        return 0.0
    return float(one @ other) / (float(np.linalg.norm(one) * np.linalg.norm(other)) or 1.0)


def _is_found(collection: Collection, chunk: Chunk) -> bool:
    """Ask the word index with the chunk's longest sentence."""
    spans = split_sentences(chunk.text)
    start, end = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
    tokens = query_tokens(chunk.text[start:end])
    return not tokens or chunk.pk in {hit.chunk_id for hit in lexical.search(tokens, [collection.pk], DEEP)}
