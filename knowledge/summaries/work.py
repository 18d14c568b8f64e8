"""A summary in the making: parts read so far, what comes next. Plain values that a row can keep. Pure.

Level 0 reads the document's passages part by part; each further level reads what was written before, until
all of it fits one prompt: that one writes the summary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypedDict, cast

from inference.engines.base import Engine
from knowledge.summaries.material import Material
from knowledge.summaries.notes import Note, NoteItem
from knowledge.summaries.planning import Parts, plan
from knowledge.summaries.prompts import Task

MAX_PARTS: Final = 24  # read by the model; of a longer document, what is most central of every stretch
FEWEST_TOGETHER: Final = 2
WRITES_NOTHING: Final = "extractive"  # the engine that has no model


class WorkItem(TypedDict):
    """What a row keeps between two steps."""

    of: str
    parts: list[list[NoteItem]]
    results: list[NoteItem]
    done: int
    total: int
    left_out: int
    by_model: bool


@dataclass(frozen=True, slots=True)
class Work:
    """How far a summary is.

    of: fingerprint of what it is made from. parts: of this level; results: of its first parts. done, total:
    calls. by_model: whether a model wrote any of it.
    """

    of: str
    parts: tuple[tuple[Note, ...], ...]
    results: tuple[Note, ...] = ()
    done: int = 0
    total: int = 1
    left_out: int = 0
    by_model: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the next step writes the summary itself."""
        return len(self.parts) == 1

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the next step reads."""
        return self.parts[len(self.results)]

    def task(self, material: Material) -> Task:
        """Say what the next step is asked for."""
        return Task(material.title, material.language, self.is_final, material.is_collection)

    @property
    def item(self) -> WorkItem:
        """Return what a row keeps."""
        return WorkItem(
            of=self.of,
            parts=[[note.item for note in part] for part in self.parts],
            results=[note.item for note in self.results],
            done=self.done,
            total=self.total,
            left_out=self.left_out,
            by_model=self.by_model,
        )


def begin(material: Material, engine: Engine, max_parts: int = MAX_PARTS) -> Work:
    """Plan the first level. Raises: EngineError."""
    if engine.name == WRITES_NOTHING:
        return Work(material.of, (material.notes,), left_out=material.left_out)
    parts = _parts(material.notes, material, engine, max_parts)
    total = len(parts.parts) + (len(parts.parts) > 1)
    return Work(material.of, parts.parts, total=total, left_out=parts.left_out + material.left_out)


def advance(work: Work, result: Note, material: Material, engine: Engine, *, by_model: bool) -> Work:
    """Take in what a part gave; after the last part of a level plan the next. Raises: EngineError."""
    results = (*work.results, result)
    work = replace(work, results=results, done=work.done + 1, by_model=work.by_model or by_model)
    if len(results) < len(work.parts):
        return work
    notes = tuple(note for note in results if note.text)
    most = max(1, len(work.parts) // FEWEST_TOGETHER)  # so that it comes to an end
    parts = _parts(notes, material, engine, most).parts or (notes,)
    return replace(work, parts=parts, results=(), total=work.done + len(parts) + (len(parts) > 1))


def load(item: Mapping[str, object], material: Material) -> Work | None:
    """Take up what a row kept; None where it is of something else, or nothing."""
    if item.get("of") != material.of or not item.get("parts"):
        return None
    kept = cast("WorkItem", item)
    return Work(
        of=kept["of"],
        parts=tuple(tuple(_note(one, material) for one in part) for part in kept["parts"]),
        results=tuple(_note(one, material) for one in kept["results"]),
        done=kept["done"],
        total=kept["total"],
        left_out=kept["left_out"],
        by_model=kept["by_model"],
    )


def _note(item: NoteItem, material: Material) -> Note:
    sources = tuple(item["s"])
    if item["t"] or not sources:
        return Note(item["h"], item["t"], sources)
    return Note(item["h"], material.texts.get(sources[0], ""), sources, is_passage=True)


def _parts(notes: Sequence[Note], material: Material, engine: Engine, most: int) -> Parts:
    return plan(
        notes,
        Task(material.title, material.language, is_final=True, is_collection=material.is_collection),
        count_tokens=engine.count_tokens,
        context_tokens=engine.context_tokens,
        max_parts=most,
    )
