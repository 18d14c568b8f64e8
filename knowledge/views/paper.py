"""A document's text as a reader sees it: areas on paper, without the words that chunks share. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.chunking import HEADING_SEPARATOR
from knowledge.models import Chunk

WINDOW = 40  # chunks a page


@dataclass(frozen=True, slots=True)
class Area:
    """One chunk's place on the paper.

    heading: only where it changes; path: the headings above it. page: only where a new one begins.
    """

    chunk: Chunk
    text: str
    path: str
    heading: str
    page: int | None
    is_open: bool

    @property
    def number(self) -> int:
        """Counted from 1, as people do."""
        return self.chunk.ordinal + 1


def lay_out(chunks: Sequence[Chunk], open_id: int | None) -> list[Area]:
    """Put chunks in reading order on paper.

    Neighbours repeat whole sentences; each is shown once, and the open chunk is shown whole.
    """
    texts = [chunk.text for chunk in chunks]
    for place in range(1, len(chunks)):
        _cut_overlap(chunks, texts, place, open_id)
    areas: list[Area] = []
    heading, page = "", None
    for chunk, text in zip(chunks, texts, strict=True):
        if not text.strip():
            continue
        path, _mark, last = chunk.heading.rpartition(HEADING_SEPARATOR)
        is_new = chunk.heading != heading
        areas.append(
            Area(
                chunk=chunk,
                text=text.strip("\n"),
                path=path if is_new else "",
                heading=last if is_new else "",
                page=chunk.page if chunk.page != page else None,
                is_open=chunk.pk == open_id,
            )
        )
        heading, page = chunk.heading, chunk.page
    return areas


def _cut_overlap(chunks: Sequence[Chunk], texts: list[str], place: int, open_id: int | None) -> None:
    before, chunk = chunks[place - 1], chunks[place]
    shared = before.start + len(before.text) - chunk.start
    if shared <= 0 or before.text[-shared:] != chunk.text[:shared]:
        return
    if chunk.pk == open_id:
        texts[place - 1] = texts[place - 1][:-shared] if len(texts[place - 1]) > shared else ""
    else:
        texts[place] = chunk.text[shared:]
