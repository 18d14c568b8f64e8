"""Which notes go into which call: parts that fit the model, and never too many of them. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from inference.types import ChatMessage, Role
from knowledge.summaries.extractive import most_central
from knowledge.summaries.notes import Note
from knowledge.summaries.prompts import FINAL_TOKENS, Task, build

CountTokens = Callable[[Sequence[ChatMessage]], int]

PROMPT_TOKENS: Final = 2800  # a longer prompt keeps one engine busy for minutes, and is read worse
UNLIMITED: Final = 10**9
HEADROOM: Final = 0.95  # sizes are measured many passages at a time
MEASURED_AT_ONCE: Final = 20
LEAST_TOKENS: Final = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """Notes by the call they go into, and how many of them go into none."""

    parts: tuple[tuple[Note, ...], ...]
    left_out: int = 0


def plan(
    notes: Sequence[Note],
    task: Task,
    *,
    count_tokens: CountTokens,
    context_tokens: int,
    max_parts: int,
) -> Parts:
    """Cut notes into parts that fit one prompt each.

    Where that gives more than `max_parts`, every stretch of the document keeps only the notes nearest the
    middle of what it says. Units: context_tokens 0 = no limit. Raises: EngineError, as count_tokens does.
    """
    room = room_tokens(task, count_tokens, context_tokens)
    sizes = measure(notes, count_tokens)
    everything = range(len(notes))
    parts = _pack(everything, sizes, room)
    kept = len(notes)
    if len(parts) > max_parts:
        chosen = _thin_out(notes, sizes, room, max_parts)
        parts, kept = _pack(chosen, sizes, room), len(chosen)
    return Parts(tuple(tuple(notes[at] for at in part) for part in parts), len(notes) - kept)


def _pack(chosen: Sequence[int], sizes: Sequence[int], room: int) -> list[list[int]]:
    parts: list[list[int]] = []
    filled = 0
    for at in chosen:
        if not parts or filled + sizes[at] > room:
            parts.append([])
            filled = 0
        parts[-1].append(at)
        filled += sizes[at]
    return parts


def room_tokens(task: Task, count_tokens: CountTokens, context_tokens: int) -> int:
    """Return how many tokens of notes one prompt has room for."""
    frame = count_tokens(build(task, ())[0])
    whole = min(context_tokens or UNLIMITED, PROMPT_TOKENS + FINAL_TOKENS)
    return max(LEAST_TOKENS, int((whole - FINAL_TOKENS - frame) * HEADROOM))


def measure(notes: Sequence[Note], count_tokens: CountTokens) -> list[int]:
    """Estimate the tokens of each note, counting several at once."""
    sizes: list[int] = []
    for start in range(0, len(notes), MEASURED_AT_ONCE):
        texts = [
            f"({note.heading})\n[000] {note.text}\n\n" for note in notes[start : start + MEASURED_AT_ONCE]
        ]
        tokens = count_tokens([ChatMessage(Role.USER, "".join(texts))])
        chars = sum(map(len, texts))
        sizes += [math.ceil(tokens * len(text) / chars) for text in texts]
    return sizes


def fit(
    notes: Sequence[Note], task: Task, count_tokens: CountTokens, context_tokens: int
) -> tuple[Note, ...]:
    """Leave out from the end what does not fit after all; one note that is too long itself is cut."""
    kept = list(notes)
    limit = context_tokens - task.max_tokens if context_tokens else UNLIMITED
    while kept and count_tokens(build(task, kept)[0]) > limit:
        if len(kept) > 1:
            kept.pop()
            continue
        half = kept[0].text[: len(kept[0].text) // 2]
        if not half:
            return ()
        kept = [Note(kept[0].heading, half, kept[0].sources, kept[0].is_passage)]
    return tuple(kept)


def _thin_out(notes: Sequence[Note], sizes: Sequence[int], room: int, max_parts: int) -> list[int]:
    """Keep of each stretch, in reading order, what is nearest its middle and fits one part."""
    kept: list[int] = []
    for part in range(max_parts):
        stretch = range(len(notes) * part // max_parts, len(notes) * (part + 1) // max_parts)
        scores = most_central([notes[at] for at in stretch])
        ranked = sorted(stretch, key=lambda at: (-scores[at - stretch.start], at))
        filled = 0
        own: list[int] = []
        for at in ranked:
            if filled + sizes[at] <= room or not own:
                own.append(at)
                filled += sizes[at]
        kept += sorted(own)
    return kept
