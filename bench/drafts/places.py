"""Collections for the cases, made of the development sets: documents, golden questions, a release."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.drafts.sources import Section, Source
from bench.drafts.stage import Stage
from knowledge.evaluation import fold
from knowledge.models import Collection, Expectation, GoldenQuestion, Visibility

PASSAGES: Final = 8
PLAIN: Final = 16
DECKS: Final = 3
SPARE: Final = 9
FOUND, REFUSED = 34, 6


@dataclass(frozen=True, slots=True)
class Set:
    """A development set, which language is foreign to it, and whether its collection has golden questions."""

    name: str
    foreign: str
    has_golden: bool


SETS: Final = (
    Set("squad2-en", "xquad-ru", True),
    Set("heq-he", "xquad-en", True),
    Set("xquad-ar", "xquad-es", True),
    Set("xquad-de", "xquad-el", False),
    Set("mtrag-support-en", "heq-he", False),
)


def build_stage(folder: Path, chosen: Set) -> Stage:
    """Make the collection, ask its golden questions, and publish it."""
    rows = _documents(folder / chosen.name)
    foreign = [_source(row) for row in _documents(folder / chosen.foreign)[:4]]
    collection = Collection.objects.create(slug=chosen.name, name=chosen.name, visibility=Visibility.EVERYONE)
    sources = [_source(row) for row in rows]
    plain, decks = sources[: PLAIN + DECKS], range(PLAIN, PLAIN + DECKS)
    kept = [_deck(one) if place in decks else one for place, one in enumerate(plain)]
    stage = Stage(collection, random.Random(1), sources[PLAIN + DECKS :], foreign)
    made = [stage.add(source, keep=True) for source in kept]
    stage.add(_price_list(), keep=True)
    half = sources[PLAIN + DECKS].sections[:4]
    mixed = Source("two-languages", "Two languages", (*half, *foreign[1].sections[:4]))
    stage.add(mixed, keep=True)
    if chosen.has_golden:
        by_name = {row["id"]: (made[n], kept[n]) for n, row in enumerate(rows[: PLAIN + DECKS])}
        known = {str(row["id"]).partition("@")[0] for row in rows[: PLAIN + DECKS + SPARE]}
        _write_golden(collection, _read(folder / chosen.name / "questions.jsonl"), by_name, known)
    stage.publish()
    return stage


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _documents(folder: Path) -> list[dict[str, Any]]:
    """Read a set's documents, those of several passages first: little can be done to a single one."""
    rows = _read(folder / "documents.jsonl")
    long = [row for row in rows if sum(len(part["text"]) for part in row["passages"]) > 800]
    if len(long) < PLAIN + DECKS + 9:
        long = _in_parts(long)
    return sorted(long, key=lambda row: -min(len(row["passages"]), PASSAGES))


def _in_parts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cut long documents in two, where a set has few."""
    parts = []
    for row in rows:
        step = PASSAGES if len(row["passages"]) > PASSAGES else max(2, len(row["passages"]) // 2 + 1)
        starts = range(0, min(len(row["passages"]), 2 * step), step)
        parts += [
            {**row, "id": f"{row['id']}@{start}", "passages": row["passages"][start : start + step]}
            for start in starts
        ]
    return parts


def _source(row: dict[str, Any]) -> Source:
    """Give each passage a heading: its own, or its first words."""
    sections = [
        Section(part.get("heading") or " ".join(part["text"].split()[:4]), part["text"].replace("|", "/"))
        for part in row["passages"][:PASSAGES]
    ]
    name = "".join(letter if letter.isalnum() else "-" for letter in row["id"])[:60]
    return Source(name, str(row["title"]), tuple(_in_twos(sections) if len(sections) < 3 else sections))


def _in_twos(sections: Sequence[Section]) -> list[Section]:
    """Cut the sections of a short document by paragraphs' lines or in the middle, so that there are some."""
    found = []
    for one in sections:
        words = one.text.split(" ")
        size = max(60, len(words) // 4)
        for start in range(0, len(words), size):
            part = words[start : start + size]
            found.append(Section(f"{one.heading} {start // size + 1}", " ".join(part)))
    return found


def _deck(source: Source) -> Source:
    return Source(source.name, source.title, source.sections, "pptx")


def _price_list() -> Source:
    """A document with a table, which no set has."""
    parts = ["Filter", "Gasket", "Valve", "Pump", "Hose", "Lamp", "Switch", "Handle", "Cable", "Screen"]
    rows = "\n".join(f"| {part} | {17 * n + 12}.00 | {3 * n + 1} |" for n, part in enumerate(parts))
    intro = Section(
        "Terms", "Prices are in euros and include tax. Parts are sent within two working days of the order."
    )
    return Source(
        "price-list",
        "Price list",
        (intro, Section("Parts", f"| Part | Price | Days |\n| --- | --- | --- |\n{rows}")),
    )


def _write_golden(
    collection: Collection, rows: Sequence[dict[str, Any]], documents: Any, known: set[str]
) -> None:
    """Take questions whose answer stands in what was kept; those of documents no case has must be refused."""
    mixed = sorted(rows, key=lambda row: fold(row["question"])[::-1])
    found = refused = 0
    for row in mixed:
        place = next((pair for name, pair in documents.items() if _holds(name, pair[1], row)), None)
        if place and found < FOUND and not row.get("unanswerable"):
            found += 1
            _golden(collection, row, Expectation.FIND, place[0])
        elif row["doc_id"] not in known and refused < REFUSED:
            refused += 1
            _golden(collection, row, Expectation.REFUSE, None)


def _holds(name: str, source: Source, row: dict[str, Any]) -> bool:
    answers = row.get("answers") or []
    return name.partition("@")[0] == row["doc_id"] and bool(answers) and fold(answers[0]) in fold(source.text)


def _golden(collection: Collection, row: dict[str, Any], expectation: Expectation, document: Any) -> None:
    quote = row["answers"][0][:500] if expectation == Expectation.FIND else ""
    GoldenQuestion.objects.create(
        collection=collection,
        text=row["question"],
        language=row["lang"],
        expectation=expectation,
        document=document,
        quote=quote,
    )
