"""Gather paragraphs under their heading path and page; every format writes through this."""

from __future__ import annotations

from knowledge.extract.clean import clean_line, tidy
from knowledge.extract.refusal import Refused
from knowledge.extract.tables import grouped
from knowledge.extract.types import ExtractedSection, FailureCode

MAX_CHARACTERS = 12_000_000
MAX_HEADING = 200
SECTION_CHARACTERS = (
    1_000_000  # a longer one goes on in the next: nobody has to hold a whole book as one string
)


class Sections:
    """A growing document: say heading, page and paragraph in reading order, then `finish`."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self.first_heading = ""
        self._max_characters = max_characters
        self._in_section = 0
        self._done: list[ExtractedSection] = []
        self._paragraphs: list[str] = []
        self._items: list[str] = []
        self._path: list[tuple[int, str]] = []
        self._page: int | None = None
        self._bare_heading = False
        self._characters = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was said yet."""
        return not (self._done or self._paragraphs or self._items or self._path)

    def page(self, number: int) -> None:
        """Go on, on page `number` (from 1)."""
        self._flush(keep_bare=False)
        self._page = number

    def heading(self, level: int, text: str) -> None:
        """Open a heading of `level` (1 is highest); deeper ones before it close."""
        text = clean_line(text)[:MAX_HEADING].rstrip()
        if not text:
            return
        self._flush(keep_bare=not self._path or level <= self._path[-1][0])
        self.first_heading = self.first_heading or text
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        self._bare_heading = True

    def leave_headings(self) -> None:
        """Go on under no heading at all."""
        self._flush(keep_bare=True)
        self._path = []

    def paragraph(self, text: str) -> None:
        """Add prose or rows; blank lines inside part it into several paragraphs."""
        text = tidy(text)
        if text:
            self._close_list()
            self._add(text)

    def item(self, text: str) -> None:
        """Add an item of a list with its bullet or number; items in a row become lines of one paragraph."""
        text = clean_line(text)
        if text:
            self._items.append(text)

    def rows(self, text: str) -> None:
        """Add a table as `tables.table_text` made it."""
        self._close_list()
        for group in grouped(text.split("\n")):
            self._add(group)

    def verbatim(self, text: str) -> None:
        """Add text whose spaces matter (code); it must be cleaned already."""
        self._close_list()
        self._add(text)

    def finish(self) -> tuple[ExtractedSection, ...]:
        """Return all sections in reading order."""
        self._flush(keep_bare=True)
        return tuple(self._done)

    def _add(self, text: str) -> None:
        if not text.strip():
            return
        self._characters += len(text)
        if self._characters > self._max_characters:
            raise Refused(FailureCode.TOO_LARGE, limit=self._max_characters, unit="characters")
        if self._in_section + len(text) > SECTION_CHARACTERS:
            self._end_section()
        self._paragraphs.append(text)
        self._in_section += len(text)
        self._bare_heading = False

    def _end_section(self) -> None:
        if self._paragraphs:
            path = tuple(text for _level, text in self._path)
            self._done.append(ExtractedSection("\n\n".join(self._paragraphs), path, self._page))
        self._paragraphs = []
        self._in_section = 0

    def _close_list(self) -> None:
        items, self._items = self._items, []
        for group in grouped(items):
            self._add(group)

    def _flush(self, *, keep_bare: bool) -> None:
        self._close_list()
        if not self._paragraphs and self._bare_heading and keep_bare:
            # A heading with nothing below it is still something the document says.
            path = tuple(text for _level, text in self._path)
            self._done.append(ExtractedSection(path[-1], path[:-1], self._page))
        self._end_section()
        if keep_bare:
            self._bare_heading = False
