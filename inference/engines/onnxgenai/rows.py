"""Which reply has which row of the KV cache, and what is still in the rows nobody has. No model here.

A row that is given back keeps its tokens: the next prompt that begins with the same ones takes them
over, in place where it goes on with them, as a copy where they belong to somebody else as well.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

ALWAYS_READ: Final = 2  # tokens at the end of a prompt


class Cache(Protocol):
    """What moves the contents of rows."""

    def copy(self, source: int, target: int, tokens: int) -> None: ...
    def swap(self, one: int, other: int, one_tokens: int, other_tokens: int) -> None: ...


@dataclass(slots=True, eq=False)
class Row:
    """One row: where it lies, and the tokens whose keys and values are in it, from the beginning.

    is_far: whether they were made with the factors for long sequences; see `longrope`.
    """

    index: int
    tokens: list[int] = field(default_factory=list)
    is_taken: bool = False
    used_at: int = 0
    is_far: bool = False


class Rows:
    """All rows of one cache."""

    def __init__(self, count: int, cache: Cache) -> None:
        self._cache = cache
        self._rows = [Row(index) for index in range(count)]
        self._clock = itertools.count(1)

    @property
    def free(self) -> int:
        """How many rows nobody has."""
        return sum(not row.is_taken for row in self._rows)

    def take(self, prompt: Sequence[int]) -> Row:
        """Give a free row that already holds as much of the prompt as any row does.

        The prompt's last tokens are never among them: the last one has to be computed to know what
        follows, and with one more the kernel for prompts computes it, as it does the first time.
        """
        free = [row for row in self._rows if not row.is_taken]
        shared = {row: shared_beginning(row.tokens, prompt[:-ALWAYS_READ]) for row in self._rows}
        source = max(self._rows, key=lambda row: (shared[row], not row.is_taken, -row.index))
        oldest = min(free, key=lambda row: (row.used_at, row.index))
        goes_on = not source.is_taken and 2 * shared[source] >= len(source.tokens)
        row = source if goes_on or source is oldest else oldest
        if row is not source:
            self._cache.copy(source.index, row.index, shared[source])
        row.tokens = list(prompt[: shared[source]])
        row.is_taken = True
        return row

    def give_back(self, row: Row) -> None:
        """Free a row; its tokens stay until somebody else needs the place."""
        row.is_taken = False
        row.used_at = next(self._clock)

    def forget(self) -> None:
        """Trust no row's contents any more."""
        for row in self._rows:
            row.tokens = []

    def bring_together(self, wanted: Sequence[Row]) -> list[Row]:
        """Move rows until these are neighbours; return them in their order in the cache."""
        held = {row.index for row in wanted}
        lengths = [len(row.tokens) for row in self._rows]
        for one, other in moves(held, lengths):
            self._cache.swap(one, other, lengths[one], lengths[other])
            first, second = self._rows[one], self._rows[other]
            first.index, second.index = other, one
            self._rows[one], self._rows[other] = second, first
        return sorted(wanted, key=lambda row: row.index)


def shared_beginning(one: Iterable[int], other: Iterable[int]) -> int:
    """Count the tokens two sequences have in common at their beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def moves(held: set[int], lengths: Sequence[int]) -> list[tuple[int, int]]:
    """List the exchanges (from, to) after which the held places are neighbours, moving the fewest tokens."""
    best: list[tuple[int, int]] = []
    best_cost = -1
    for start in range(len(lengths) - len(held) + 1):
        window = set(range(start, start + len(held)))
        pairs = list(zip(sorted(held - window), sorted(window - held), strict=True))
        cost = sum(lengths[one] + lengths[other] for one, other in pairs)
        if best_cost < 0 or (cost, len(pairs)) < (best_cost, len(best)):
            best, best_cost = pairs, cost
    return best
