"""Cut a passage into pieces: its best sentence, and the words of the question in it. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from knowledge.retrieval_types import Sentence
from knowledge.tokens import GRAM_CHARS, Matcher, has_no_spaces, is_part, normalise

WORD: Final = re.compile(r"[^\W_]+(?:['’\"״׳][^\W_]+)*")
TELLING: Final = 0.15  # of what a word weighs that no chunk holds: "the" is not worth a mark
AROUND: Final = 420  # characters shown
BEFORE: Final = 90  # of them before the best sentence

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a passage's text. is_match: a word of the question; is_best: of the best sentence."""

    text: str
    is_match: bool
    is_best: bool


def mark(
    text: str, matcher: Matcher, best: Sentence | None, dull: frozenset[str] = frozenset()
) -> tuple[Piece, ...]:
    """Mark a passage; a long one is cut to what stands around its best sentence.

    dull: words that only ask, which get no mark.
    """
    start, end = _window(text, best)
    found = (span for span in _matches(text, matcher, dull) if span[0] >= start and span[1] <= end)
    matches = _joined(sorted(found))
    edges = {start, end, *(edge for span in matches for edge in span)}
    if best:
        edges |= {edge for edge in (best.start, best.end) if start < edge < end}
    pieces = [
        Piece(
            text[left:right],
            any(one <= left and right <= other for one, other in matches),
            best is not None and best.start <= left and right <= best.end,
        )
        for left, right in pairwise(sorted(edges))
    ]
    before = [Piece("… ", is_match=False, is_best=False)] if start else []
    after = [Piece(" …", is_match=False, is_best=False)] if end < len(text) else []
    return (*before, *pieces, *after)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Make one of those that overlap or touch."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _window(text: str, best: Sentence | None) -> Span:
    if len(text) <= AROUND:
        return 0, len(text)
    wanted = max(0, (best.start if best else 0) - BEFORE)
    start = 0 if wanted == 0 else text.find(" ", wanted) + 1 or wanted
    end = min(len(text), max(start + AROUND, best.end if best else 0))
    cut = text.rfind(" ", start, end) if end < len(text) else end
    return start, cut if cut > start else end


def _matches(text: str, matcher: Matcher, dull: frozenset[str]) -> Iterator[Span]:
    """Yield where the question's telling words stand."""
    least = TELLING * matcher.heaviest
    for found in WORD.finditer(text):
        if normalise(found[0]) in dull:
            continue
        held = {token for token in matcher.held(found[0]) if matcher.weights[token] >= least} - dull
        spaceless = [token for token in held if has_no_spaces(token)]
        if spaceless:
            yield from _inside(found, spaceless)
        elif _is_same_word(found[0], held):
            yield found.span()


def _is_same_word(word: str, held: set[str]) -> bool:
    """A whole word or its stem; of inflected forms, half of their 4-grams."""
    if any(not is_part(token) for token in held):
        return True
    if normalise(word) in held:
        return True
    grams = len(normalise(word)) - GRAM_CHARS + 1
    return grams > 0 and 2 * len(held) >= grams


def _inside(found: re.Match[str], tokens: list[str]) -> Iterator[Span]:
    for token in tokens:
        place = found[0].find(token)
        while place >= 0:
            yield found.start() + place, found.start() + place + len(token)
            place = found[0].find(token, place + 1)
