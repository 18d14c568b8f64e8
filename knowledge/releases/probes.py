"""Probes: sentences of the published release that still stand in the draft must still be found there.

They need no golden questions: what visitors could find yesterday is asked for in its own words. Without a
release yet, the draft's own sentences are asked for.
"""

from collections.abc import Callable, Iterator
from typing import Final

from knowledge.evaluation import fold
from knowledge.golden.asking import search
from knowledge.models import Chunk, Collection
from knowledge.releases.findings import Finding
from knowledge.scope import DRAFT, Scope, chunks_answering, of
from knowledge.sentences import split_sentences

MOST: Final = 30
CHARS: Final = (40, 240)  # a sentence too short says too little, a longer one is a table
LOST: Final = 0.05  # share that may be lost: texts that nearly repeat each other hide one another
FEWEST_LOST: Final = 2


def find_lost_probes(collection: Collection, step: Callable[[], None]) -> tuple[list[Finding], int]:
    """Ask the draft for sentences and return what is not found, and how many were asked for.

    step: called before each, may raise to stop.
    """
    live = of(collection.release) if collection.release else DRAFT
    lost = asked = 0
    for text in _sentences(collection, live):
        step()
        asked += 1
        lost += not _is_found(text, collection, DRAFT) and (
            collection.release is None or _is_found(text, collection, live)
        )
    is_too_many = lost >= FEWEST_LOST and lost > LOST * asked
    found = [Finding("probes_lost", params={"lost": lost, "of": asked})] if is_too_many else []
    return found, asked


def _sentences(collection: Collection, live: Scope) -> Iterator[str]:
    """Yield sentences of chunks chosen by digest, that the draft still has."""
    rows = chunks_answering([collection], live).order_by("sha256")
    given = 0
    for chunk in rows[: 4 * MOST]:
        text = _middle_sentence(chunk.text)
        if given < MOST and text and _stands(collection, chunk, text):
            given += 1
            yield text


def _middle_sentence(text: str) -> str:
    spans = [span for span in split_sentences(text) if CHARS[0] <= span[1] - span[0] <= CHARS[1]]
    if not spans:
        return ""
    start, end = spans[len(spans) // 2]
    return text[start:end]


def _stands(collection: Collection, chunk: Chunk, text: str) -> bool:
    draft = chunks_answering([collection], DRAFT)
    return (
        draft.filter(sha256=chunk.sha256).exists()
        or draft.filter(document=chunk.document_id, text__contains=text).exists()
    )


def _is_found(text: str, collection: Collection, scope: Scope) -> bool:
    wanted = fold(text)
    return any(wanted in fold(passage.text) for passage in search(text, collection, scope).passages)
