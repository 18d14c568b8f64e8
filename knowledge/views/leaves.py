"""A document's text leaf by leaf: its own pages where it has them, else so many chunks at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.models import Chunk
from knowledge.views.paper import WINDOW
from knowledge.views.shown import Shown, number_of


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of `count`, numbered from 1. page: of the document; None where it has none."""

    number: int
    count: int
    page: int | None
    chunks: list[Chunk]

    @property
    def previous(self) -> int | None:
        """Number of the leaf before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """Number of the leaf after."""
        return self.number + 1 if self.number < self.count else None


def leaf_of(shown: Shown, *, part: str = "", page: str = "", by_page: bool) -> Leaf:
    """Return the leaf with the open chunk, else the one asked for by its number or page, else the first."""
    if by_page:
        places = list(shown.chunks.values_list("ordinal", "page"))
        cuts = cut_by_page([one for _ordinal, one in places])
        if cuts and any(one is not None for _ordinal, one in places):
            index = _index(shown, places, cuts, number_of(part), number_of(page))
            first, last = cuts[index]
            return Leaf(index + 1, len(cuts), places[first][1], list(shown.chunks[first:last]))
    return _window(shown, number_of(part))


def cut_by_page(pages: Sequence[int | None]) -> list[tuple[int, int]]:
    """Cut chunks where a page begins, and a page of very many where it gets long; pure.

    Returns first and last + 1 of each leaf.
    """
    cuts: list[tuple[int, int]] = []
    first = 0
    for place in range(1, len(pages) + 1):
        if place == len(pages) or pages[place] != pages[first] or place - first >= WINDOW:
            cuts.append((first, place))
            first = place
    return cuts


def _index(
    shown: Shown,
    places: Sequence[tuple[int, int | None]],
    cuts: Sequence[tuple[int, int]],
    part: int | None,
    page: int | None,
) -> int:
    if shown.open is not None:
        place = next(at for at, (ordinal, _page) in enumerate(places) if ordinal == shown.open.ordinal)
        return next(at for at, (first, last) in enumerate(cuts) if first <= place < last)
    if page is not None:
        reached = (at for at, (first, _last) in enumerate(cuts) if (places[first][1] or 0) >= page)
        return next(reached, len(cuts) - 1)
    return min(max(part or 1, 1), len(cuts)) - 1


def _window(shown: Shown, part: int | None) -> Leaf:
    count = max(1, -(-shown.chunks.count() // WINDOW))
    if shown.open is not None:
        part = shown.chunks.filter(ordinal__lt=shown.open.ordinal).count() // WINDOW + 1
    number = min(max(part or 1, 1), count)
    return Leaf(number, count, None, list(shown.chunks[(number - 1) * WINDOW : number * WINDOW]))
