"""Text into chunks along headings, paragraphs and sentences. Pure."""

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from knowledge.extract.types import ExtractedSection, ExtractedText
from knowledge.sentences import split_sentences

HEADING_SEPARATOR: Final = " › "
SECTION_SEPARATOR: Final = "\n\n"
CHUNKER: Final = "2"  # raise it with any change of the rules: documents read by older ones are read again
MAX_WORDS: Final = 120
OVERLAP: Final = 0.15

_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
_SPACELESS: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_CJK_WORDS: Final = 0.6  # words an ideograph stands for, and a Thai letter: sizes stay comparable
_SPACELESS_WORDS: Final = 0.2
_CHARS_PER_WORD: Final = 12  # more than any prose: bounds chunks of codes and addresses
_STRETCH: Final = 1.3  # a paragraph this much longer than a full chunk stays whole
_SCRAP: Final = 0.15  # less than this share of a full chunk does not stand alone


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it is stored.

    text: a slice of the section, never empty. start: code point in the document's whole text (the
    sections joined by blank lines). ordinal: counts from 0.
    """

    text: str
    heading: str
    page: int | None
    start: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence: code points of the section, its size in words, and whether its paragraph ends."""

    start: int
    end: int
    size: float
    ends_paragraph: bool


def chunk(
    extracted: ExtractedText, *, max_words: int = MAX_WORDS, overlap: float = OVERLAP
) -> list[ChunkDraft]:
    """Cut a document into chunks of at most about `max_words` words.

    A chunk never crosses a heading or a page. overlap: where a
    paragraph had to be cut, the share of a chunk that repeats the end of the one before, whole sentences
    only. The same text always gives the same chunks.
    """
    drafts: list[ChunkDraft] = []
    offset = 0
    for section in extracted.sections:
        heading = HEADING_SEPARATOR.join(part.strip() for part in section.heading if part.strip())
        for start, end in _spans(section, max_words, overlap):
            text = section.text[start:end]
            drafts.append(ChunkDraft(text, heading, section.page, offset + start, len(drafts)))
        offset += len(section.text) + len(SECTION_SEPARATOR)
    return drafts


def chunk_key(document_id: UUID, version: int, ordinal: int, edition: int = 0) -> str:
    """Name a chunk for every store: the same document, version and place give the same 64 hex digits."""
    name = f"{document_id.hex}/{version}/{ordinal}" + (f"/{edition}" if edition else "")
    return hashlib.sha256(name.encode()).hexdigest()


def content_sha256(title: str, heading: str, text: str) -> str:
    """Digest of what a chunk says, independent of where it is stored."""
    content = "\0".join((title, heading, text))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def indexed_text(title: str, heading: str, text: str) -> str:
    """Put title and headings before the text, as both indexes see a chunk."""
    return "\n".join(part for part in (title, heading, text) if part)


def size_in_words(text: str) -> float:
    """Count words, estimating them by characters where a script does not separate them."""
    ideographs = len(_CJK.findall(text))
    letters = len(_SPACELESS.findall(text))
    if ideographs or letters:
        text = _SPACELESS.sub(" ", _CJK.sub(" ", text))
    words = max(len(text.split()), len(text) / _CHARS_PER_WORD)
    return words + ideographs * _CJK_WORDS + letters * _SPACELESS_WORDS


def _spans(section: ExtractedSection, max_words: int, overlap: float) -> Iterator[tuple[int, int]]:
    """Yield the code points [start, end) of each chunk of a section."""
    units = _units(section.text)
    for first, last in _pack(_paragraphs(units), units, max_words):
        if sum(unit.size for unit in units[first : last + 1]) <= max_words * _STRETCH:
            yield units[first].start, units[last].end
        else:
            for start, end in _split(units, first, last, max_words, max_words * overlap):
                yield units[start].start, units[end].end


def _units(text: str) -> list[_Unit]:
    spans = split_sentences(text)
    units = []
    for index, (start, end) in enumerate(spans):
        gap = text[end : spans[index + 1][0]] if index + 1 < len(spans) else ""
        units.append(_Unit(start, end, size_in_words(text[start:end]), gap.count("\n") > 1))
    return units


def _paragraphs(units: list[_Unit]) -> list[tuple[int, int]]:
    """Gather sentences into paragraphs; [first, last] of each."""
    ends = [index for index, unit in enumerate(units) if unit.ends_paragraph or index == len(units) - 1]
    firsts = [0, *(end + 1 for end in ends[:-1])]
    return list(zip(firsts, ends, strict=True)) if units else []


def _pack(paragraphs: list[tuple[int, int]], units: list[_Unit], max_words: int) -> list[tuple[int, int]]:
    """Join short paragraphs up to a full chunk; a very small one always joins a neighbour."""
    packed: list[tuple[int, int]] = []
    sizes: list[float] = []
    for first, last in paragraphs:
        size = sum(unit.size for unit in units[first : last + 1])
        fits = packed and sizes[-1] + size <= max_words
        is_scrap = packed and min(sizes[-1], size) < max_words * _SCRAP
        if fits or is_scrap:
            packed[-1] = (packed[-1][0], last)
            sizes[-1] += size
        else:
            packed.append((first, last))
            sizes.append(size)
    return packed


def _split(
    units: list[_Unit], first: int, last: int, max_words: int, overlap_words: float
) -> Iterator[tuple[int, int]]:
    """Cut what is too long into pieces of about equal size, each but the first overlapping the one before."""
    total = sum(unit.size for unit in units[first : last + 1])
    target = total / math.ceil(total / max_words)
    start, size = first, 0.0
    previous = first
    for index in range(first, last + 1):
        if index > start and size + units[index].size / 2 > target:
            yield _step_back(units, previous, start, overlap_words), index - 1
            previous, start, size = start, index, 0.0
        size += units[index].size
    yield _step_back(units, previous, start, overlap_words), last


def _step_back(units: list[_Unit], earliest: int, first: int, words: float) -> int:
    """Start earlier by whole sentences worth at most `words`, never at the chunk before's own start."""
    while first - 1 > earliest and (words := words - units[first - 1].size) >= 0:
        first -= 1
    return first
