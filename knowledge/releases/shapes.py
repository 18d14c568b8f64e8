"""Whether a changed document was cut into chunks as usual. Pure."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.releases.changes import ChangeKind
from knowledge.releases.findings import Finding
from knowledge.releases.pairs import Pair, Side, sentences_of
from knowledge.tokens import words

GIANT: Final = 3.0  # times the longest usual chunk
GIANT_CHARS: Final = 600
TINY: Final = 0.4  # of the document's usual size before
TINY_NEW: Final = 0.2  # of the collection's usual size
FEWEST_CHUNKS: Final = 6
FEWEST_NEW_CHUNKS: Final = 20
HEADED: Final = 0.5
AS_LONG: Final = 0.8
FEWEST_HEADINGS: Final = 3
REPEATED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Usual:
    """Sizes of the collection's chunks in characters: the middle one, and one that few exceed."""

    median: float
    long: float


def usual_sizes(texts: Sequence[str]) -> Usual:
    """Measure chunks."""
    sizes = sorted(len(text) for text in texts) or [0]
    return Usual(statistics.median(sizes), sizes[int(0.95 * (len(sizes) - 1))])


def find_misshapen(pair: Pair, usual: Usual) -> list[Finding]:
    """Tell what is wrong with how the document was cut."""
    if pair.kind is ChangeKind.EDITED or not pair.after.pieces:
        return []
    return [*_giants(pair, usual), *_crumbs(pair, usual), *_headings(pair), *_repeats(pair)]


def _giants(pair: Pair, usual: Usual) -> Iterator[Finding]:
    longest = max(len(piece.text) for piece in pair.after.pieces)
    before = max((len(piece.text) for piece in pair.before.pieces), default=0)
    if usual.long and longest > max(GIANT_CHARS, GIANT * usual.long, 1.5 * before):
        yield _finding(pair, "giant_chunk", characters=longest, usual=round(usual.long))


def _crumbs(pair: Pair, usual: Usual) -> Iterator[Finding]:
    count = len(pair.after.pieces)
    median = statistics.median(len(piece.text) for piece in pair.after.pieces)
    if pair.is_new:
        is_tiny = count >= FEWEST_NEW_CHUNKS and median < TINY_NEW * usual.median
    else:
        before = statistics.median(len(piece.text) for piece in pair.before.pieces)
        is_tiny = count >= FEWEST_CHUNKS and median < TINY * before
    if is_tiny:
        yield _finding(pair, "tiny_chunks", chunks=count, characters=round(median))


def _headings(pair: Pair) -> Iterator[Finding]:
    """Tell whether most of the places that were named are not, though the text is about as long."""
    before, after = ({piece.heading for piece in side.pieces} - {""} for side in (pair.before, pair.after))
    is_as_long = len(pair.after.text) > AS_LONG * len(pair.before.text)
    if len(before) >= FEWEST_HEADINGS and len(after) < HEADED * len(before) and is_as_long:
        yield _finding(pair, "headings_lost", before=len(before), after=len(after))


def _repeats(pair: Pair) -> Iterator[Finding]:
    before, after = _share_repeated(pair.before), _share_repeated(pair.after)
    if len(pair.after.pieces) > 2 and after > before + REPEATED:
        yield _finding(pair, "repeated_text", percent=round(100 * after))


def _share_repeated(side: Side) -> float:
    """Share of the words in sentences that another chunk has as well."""
    total = sum(len(words(text)) for piece in side.pieces for text in sentences_of(piece.text))
    unique = sum(len(words(text)) for text in side.sentences)
    return 1 - unique / total if total else 0.0


def _finding(pair: Pair, code: str, **params: str | int | float) -> Finding:
    return Finding(code, str(pair.document.pk), str(pair.document), params)
