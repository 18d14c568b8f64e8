"""Which sentence of the retrieved passages answers: word scores, and vectors where they help."""

import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

from inference.conf import get_embedder
from inference.embedders.base import Vectors
from inference.errors import EngineError
from knowledge import scoring
from knowledge.retrieval_types import Sentence

logger = logging.getLogger(__name__)

EMBEDDED: Final = 10  # sentences a question: each costs about 1.5 ms unless seen before
REMEMBERED: Final = 8_192  # vectors kept: 12 MB

# One text keeps one core busy: a question's sentences go side by side.
_threads = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="sentences")

Scored = tuple[str, Sequence[scoring.SentenceScore], float]
_seen: "OrderedDict[tuple[str, str], Vectors]" = OrderedDict()
_lock = Lock()


def mix_sentences(
    passages: Sequence[Scored], question: Vectors | None, fertility: float
) -> list[tuple[Sentence, ...]]:
    """Score every sentence 0–1 by its words, its vector and its passage, in the passages' order.

    passages: text, word scores of its sentences, and its own score. Vectors are asked only for the
    likeliest sentences, and only in a language the embedding model knows.
    """
    is_known = question is not None and fertility < scoring.DENSE_WEIGHTS[-1][0]
    if not is_known:  # where they are known, vectors find the sentence beside the one that shares the words
        passages = [(text, scoring.lift_by_neighbours(rows), score) for text, rows, score in passages]
    likeliest = sorted(
        ((score, place, row) for place, (_text, rows, score) in enumerate(passages) for row in rows),
        key=lambda item: (
            -(item[2].words * scoring.SENTENCE_MIX_WORDS[0] + item[0] * scoring.SENTENCE_MIX_WORDS[1])
        ),
    )[: EMBEDDED if is_known else 0]
    texts = [passages[place][0][row.start : row.end] for _score, place, row in likeliest]
    near = _similarities(texts, question) if question is not None else []
    by_place = {(place, row.start): value for (_s, place, row), value in zip(likeliest, near, strict=True)}
    return [
        tuple(
            Sentence(row.start, row.end, _mix(row.words, by_place.get((place, row.start)), score, is_known))
            for row in rows
        )
        for place, (_text, rows, score) in enumerate(passages)
    ]


def _mix(words: float, near: float | None, passage: float, is_known: bool) -> float:
    if not is_known:
        by_words, by_passage = scoring.SENTENCE_MIX_WORDS
        return min(1.0, by_words * words + by_passage * passage)
    by_words, by_vector, by_passage = scoring.SENTENCE_MIX
    return min(1.0, by_words * words + by_vector * max(0.0, near or 0.0) + by_passage * passage)


def _similarities(texts: Sequence[str], question: Vectors) -> list[float]:
    """Cosine of each text to the question, vectors remembered. Nothing when the embedder fails."""
    try:
        return [float(vector @ question) for vector in _threads.map(_vector, texts)]
    except EngineError as exc:
        logger.warning("sentences go by words alone: %s", exc)
        return [0.0] * len(texts)


def _vector(text: str) -> Vectors:
    embedder = get_embedder()
    key = (embedder.name, text)
    with _lock:
        if key in _seen:
            _seen.move_to_end(key)
            return _seen[key]
    vector: Vectors = embedder.embed_documents([text])[0]
    with _lock:
        _seen[key] = vector
        if len(_seen) > REMEMBERED:
            _seen.popitem(last=False)
    return vector
