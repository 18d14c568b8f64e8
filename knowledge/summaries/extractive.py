"""A summary without a model: the sentences nearest the middle of what a document says. Pure.

Each sentence is a vector of its words, weighted by how rare they are in the document. Sentences near the
centre of the whole and of their section say what both are about; one or two a section are taken, in reading
order, none that repeats another.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from knowledge.chunking import HEADING_SEPARATOR
from knowledge.sentences import split_sentences
from knowledge.summaries.notes import Note, split_citations, with_citations, without_marks
from knowledge.tokens import words

MAX_SECTIONS: Final = 12
UNHEADED_SECTIONS: Final = 6
LONG_SECTION: Final = 6  # sentences; a longer section gives two
REPEATS: Final = 0.6  # of the shorter sentence's words found in the other
FEW_WORDS: Final = 5
MANY_WORDS: Final = 45
FIRST: Final = 1.15  # of its section
OPENING: Final = 1.3  # of the document
UNFINISHED: Final = 0.5  # a table row, a title, a line that leads in
QUESTION: Final = 0.6
SECOND: Final = 0.7  # of a section's best score, for a second sentence

_STOPS: Final = (*".!?…。！？؟।", '."', ".”", ".)", ".»")
_QUESTIONS: Final = ("?", "？", "؟")
_MARK: Final = re.compile(r"^(?:[-*•–>]\s*|\d{1,3}[.)]\s+)+")

Vector = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, its place in the document, the chunks it cites, and its words with their weights."""

    place: int
    section: int
    sources: tuple[int, ...]
    text: str
    words: frozenset[str]
    vector: Vector
    is_first: bool


@dataclass(frozen=True, slots=True)
class _Section:
    heading: str
    notes: tuple[Note, ...]


def summarise(notes: Sequence[Note]) -> Note:
    """Choose the sentences that say most, one to two a section: "- Section: sentence [1]"."""
    sections = _sections(notes)
    chosen = _choose(_read(sections))
    numbers: dict[int, int] = {}
    lines = []
    for section, group in groupby(chosen, key=lambda sentence: sentence.section):
        said = " ".join(
            with_citations(one.text, [numbers.setdefault(chunk, len(numbers) + 1) for chunk in one.sources])
            for one in group
        )
        heading = " ".join(without_marks(sections[section].heading).split())
        lines.append(f"- {heading}: {said}" if heading else said)
    has_items = any(line.startswith("- ") for line in lines)
    return Note("", ("\n" if has_items else "\n\n").join(lines), tuple(numbers))


def most_central(notes: Sequence[Note]) -> list[float]:
    """Score notes by how near they are to the middle of all of them."""
    vectors = _weighted([words(note.text) for note in notes])
    centre = _centre(vectors)
    return [_dot(vector, centre) for vector in vectors]


def _sections(notes: Sequence[Note]) -> list[_Section]:
    """Put notes together by the heading that comes after what all headings share."""
    paths = [note.heading.split(HEADING_SEPARATOR) if note.heading else [] for note in notes]
    shared = 0
    while paths and all(len(path) > shared and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    if shared and all(len(path) == shared for path in paths):
        shared -= 1  # one heading above everything: it is the section's
    mains = [path[shared] if len(path) > shared else "" for path in paths]
    if len(set(mains)) > 1 or (mains and mains[0]):
        grouped = groupby(zip(mains, notes, strict=True), key=lambda pair: pair[0])
        return [_Section(main, tuple(note for _main, note in group)) for main, group in grouped]
    size = max(1, math.ceil(len(notes) / UNHEADED_SECTIONS))
    return [_Section("", tuple(notes[at : at + size])) for at in range(0, len(notes), size)]


def _read(sections: Sequence[_Section]) -> list[_Sentence]:
    """Take the sections' sentences with their words; what neighbours repeat counts once."""
    rows: list[tuple[int, tuple[int, ...], str, bool]] = []
    seen: set[str] = set()
    for number, section in enumerate(sections):
        is_first = True
        for note in section.notes:
            for text, sources in _sentences(note):
                if text not in seen:
                    seen.add(text)
                    rows.append((number, sources, text, is_first))
                    is_first = False
    found = [words(text) for _section, _sources, text, _first in rows]
    vectors = _weighted(found)
    return [
        _Sentence(place, *row[:3], frozenset(found[place]), vectors[place], row[3])
        for place, row in enumerate(rows)
        if found[place]
    ]


def _sentences(note: Note) -> Iterator[tuple[str, tuple[int, ...]]]:
    for start, end in split_sentences(note.text):
        text = _MARK.sub("", " ".join(note.text[start:end].split()))
        if note.is_passage:
            yield without_marks(text), note.sources[:1]
            continue
        body, numbers = split_citations(text)
        cited = tuple(note.sources[n - 1] for n in numbers if 0 < n <= len(note.sources))
        if body and cited:
            yield body, cited


def _weighted(texts: Sequence[Sequence[str]]) -> list[Vector]:
    """Weigh each text's words by how rare they are among the texts; vectors of unit length."""
    held = Counter(word for text in texts for word in set(text))
    vectors: list[Vector] = []
    for text in texts:
        raw = {
            word: (1 + math.log(count)) * math.log(1 + len(texts) / held[word])
            for word, count in Counter(text).items()
        }
        norm = math.sqrt(sum(value * value for value in raw.values())) or 1.0
        vectors.append({word: value / norm for word, value in raw.items()})
    return vectors


def _centre(vectors: Iterable[Vector]) -> Vector:
    total: Counter[str] = Counter()
    for vector in vectors:
        total.update(vector)
    norm = math.sqrt(sum(value * value for value in total.values())) or 1.0
    return {word: value / norm for word, value in total.items()}


def _dot(vector: Vector, other: Vector) -> float:
    return sum(value * other.get(word, 0.0) for word, value in vector.items())


def _choose(sentences: Sequence[_Sentence]) -> list[_Sentence]:
    """Take the best of the sections that say most, in reading order."""
    whole = _centre(sentence.vector for sentence in sentences)
    ranked: list[tuple[float, list[tuple[float, _Sentence]]]] = []
    for _section, group in groupby(sentences, key=lambda sentence: sentence.section):
        own = list(group)
        centre = _centre(sentence.vector for sentence in own)
        scored = [(_score(sentence, whole, centre), sentence) for sentence in own]
        scored.sort(key=lambda pair: (-pair[0], pair[1].place))
        ranked.append((scored[0][0], scored))
    ranked.sort(key=lambda pair: (-pair[0], pair[1][0][1].place))
    chosen: list[_Sentence] = []
    for best, scored in ranked[:MAX_SECTIONS]:
        wanted = 2 if len(scored) > LONG_SECTION else 1
        fresh = [
            one
            for score, one in scored
            if score >= SECOND * best and not any(_repeats(one, other) for other in chosen)
        ]
        chosen += _unlike(fresh, wanted)
    return sorted(chosen, key=lambda sentence: sentence.place)


def _unlike(sentences: Iterable[_Sentence], wanted: int) -> list[_Sentence]:
    taken: list[_Sentence] = []
    for sentence in sentences:
        if len(taken) < wanted and not any(_repeats(sentence, other) for other in taken):
            taken.append(sentence)
    return taken


def _score(sentence: _Sentence, whole: Vector, section: Vector) -> float:
    score = 0.5 * _dot(sentence.vector, whole) + 0.5 * _dot(sentence.vector, section)
    count = len(sentence.words)
    if count < FEW_WORDS:
        score *= count / FEW_WORDS
    elif count > MANY_WORDS:
        score *= MANY_WORDS / count
    if not sentence.text.endswith(_STOPS):
        score *= UNFINISHED
    elif sentence.text.endswith(_QUESTIONS):
        score *= QUESTION
    if sentence.place == 0:
        return score * OPENING
    return score * FIRST if sentence.is_first else score


def _repeats(one: _Sentence, other: _Sentence) -> bool:
    fewer = min(len(one.words), len(other.words))
    return len(one.words & other.words) >= REPEATS * fewer
