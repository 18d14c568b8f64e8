"""From Tesseract's table of words to lines worth keeping: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge.extract.clean import clean_line
from knowledge.extract.scripts import script_of_letter

MIN_CONFIDENCE = 55.0  # of a line, mean over its letters (0 to 100)
_MIN_REST = 70.0  # of a line that is kept without its lost words
_LOST = 30.0  # words below are no reading at all: print over print, a stamp, another script
_COLUMNS = 12


@dataclass(frozen=True)
class RecognisedPage:
    """The lines kept, and over all words seen: mean confidence and, where sure, letters by script."""

    lines: list[str]
    confidence: float = 0.0
    letters: Counter[str] = field(default_factory=Counter)


_Word = tuple[str, float]


@dataclass
class _Line:
    paragraph: tuple[str, ...]
    words: list[_Word] = field(default_factory=list)


def from_tsv(table: str) -> RecognisedPage:
    """Read what `tessedit_create_tsv` writes: drop doubtful lines, part paragraphs by an empty line.

    A line stays without its lost words as long as they are the smaller part of it.
    """
    rows = _lines(table)
    lines: list[str] = []
    letters: Counter[str] = Counter()
    previous: tuple[str, ...] | None = None
    for row in rows:
        words = [(word, confidence) for word, confidence in row.words if confidence >= _LOST]
        needed = MIN_CONFIDENCE if len(words) == len(row.words) else _MIN_REST
        if _size(words) * 2 < _size(row.words) or _mean(words) < needed or not _says_something(words):
            continue
        if previous not in (None, row.paragraph):
            lines.append("")
        previous = row.paragraph
        text = " ".join(word for word, _confidence in words)
        lines.append(text)
        letters.update(script_of_letter(letter) for letter in text if letter.isalpha())
    return RecognisedPage(lines, _mean([word for row in rows for word in row.words]), letters)


def _lines(table: str) -> list[_Line]:
    lines: dict[tuple[str, ...], _Line] = {}
    for row in table.split("\n"):
        cells = row.split("\t", _COLUMNS - 1)
        if len(cells) < _COLUMNS or cells[0] != "5":
            continue
        word = clean_line(cells[11])
        try:
            confidence = float(cells[10])
        except ValueError:
            continue
        if word:
            place = tuple(cells[1:5])
            lines.setdefault(place, _Line(place[:3])).words.append((word, confidence))
    return list(lines.values())


def _says_something(words: Sequence[_Word]) -> bool:
    """A line of rules and specks has no letter or digit."""
    return any(character.isalnum() for word, _confidence in words for character in word)


def _size(words: Sequence[_Word]) -> int:
    return sum(len(word) for word, _confidence in words)


def _mean(words: Sequence[_Word]) -> float:
    length = _size(words)
    return sum(len(word) * confidence for word, confidence in words) / length if length else 0.0
