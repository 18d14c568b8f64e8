"""What a summary is made from and of: passages, notes on them, text with [n]. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

CITATION: Final = re.compile(r"\[(\d{1,3})\]")
_GROUP: Final = re.compile(r"\s*[\[【]\s*\^?\d{1,3}(?:\s*[,;\-–]\s*\^?\d{1,3})*\s*[\]】]")
_NUMBER: Final = re.compile(r"(\d{1,3})(?:\s*[-–]\s*\^?(\d{1,3}))?")
_END: Final = re.compile(r"[.!?…。！？؟।]+[\"'”’»)]*$")
_MAX_RANGE: Final = 20


class NoteItem(TypedDict):
    """A note as a row keeps it: heading, text (empty: the passage itself), the ids of its chunks."""

    h: str
    t: str
    s: list[int]


@dataclass(frozen=True, slots=True)
class Note:
    """A passage, or what was written about several.

    sources: ids of chunks. text: of a note, with [n] for the n-th of them; of a passage, as it was read.
    """

    heading: str
    text: str
    sources: tuple[int, ...]
    is_passage: bool = False

    @property
    def item(self) -> NoteItem:
        """Return what a row keeps; the text of a passage stays where it is."""
        return NoteItem(h=self.heading, t="" if self.is_passage else self.text, s=list(self.sources))


@dataclass(frozen=True, slots=True)
class Shown:
    """Notes as one prompt shows them: texts with numbers that count through, and the chunks they are of."""

    texts: tuple[str, ...]
    sources: tuple[int, ...]


def number_through(notes: Sequence[Note]) -> Shown:
    """Give every chunk one number, from 1 in order of appearance, and write the texts with these."""
    numbers: dict[int, int] = {}
    texts = []
    for note in notes:
        own = {n: numbers.setdefault(chunk, len(numbers) + 1) for n, chunk in enumerate(note.sources, 1)}
        if note.is_passage:
            texts.append(f"[{own[1]}] {without_marks(note.text)}")
        else:
            texts.append(renumber(note.text, own))
    return Shown(tuple(texts), tuple(numbers))


def renumber(text: str, numbers: dict[int, int]) -> str:
    """Write each [n] as its new number; one that has none goes."""
    kept = CITATION.sub(lambda m: f"[{numbers[int(m[1])]}]" if int(m[1]) in numbers else "", text)
    return re.sub(r"[ \t]+([.,;:!?。])", r"\1", kept)


def cited_only(text: str, sources: Sequence[int]) -> Note:
    """Number what is cited from 1 in order of appearance, and forget the other sources."""
    order = dict.fromkeys(int(n) for n in CITATION.findall(text) if 0 < int(n) <= len(sources))
    numbers = {old: new for new, old in enumerate(order, start=1)}
    return Note("", renumber(text, numbers), tuple(sources[old - 1] for old in order))


def without_marks(text: str) -> str:
    """Return a document's text without what would pass for a citation of ours: its own [3] becomes (3)."""
    return CITATION.sub(r"(\1)", text)


def split_citations(text: str) -> tuple[str, list[int]]:
    """Take the citations out of a sentence: [1, 3], [2-4], 【1】; numbers in order, each once."""
    numbers: list[int] = []
    for group in _GROUP.findall(text):
        for first, last in _NUMBER.findall(group):
            start, end = int(first), int(last or first)
            numbers += range(start, end + 1) if start <= end <= start + _MAX_RANGE else []
    return _GROUP.sub("", text).strip(), list(dict.fromkeys(numbers))


def with_citations(sentence: str, numbers: Sequence[int]) -> str:
    """Put citations in front of a sentence's full stop."""
    marks = "".join(f"[{n}]" for n in numbers)
    end = _END.search(sentence)
    if not marks or end is None:
        return f"{sentence} {marks}".rstrip()
    return f"{sentence[: end.start()]} {marks}{end[0]}"
