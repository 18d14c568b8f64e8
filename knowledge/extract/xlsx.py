"""Excel workbooks: every sheet a heading, every row a line that names its columns. Values, not formulas."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Sequence

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.strict_office import usual
from knowledge.extract.tables import grouped, has_header, row_lines
from knowledge.extract.types import ExtractedText, FailureCode

MAX_CELLS = 1_000_000
_MAX_EMPTY_ROWS = 5000  # a stray cell far below is not worth a million empty rows
_SAMPLE_ROWS = 20
_PROGRESS_ROWS = 2000


def read(source: Source) -> ExtractedText:
    """Read the visible sheets of a workbook.

    Raises: Refused (corrupt, too_large).
    """
    try:
        workbook = load_workbook(usual(source.file), read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise Refused(FailureCode.CORRUPT, f"XLSX: {exc!r}") from exc
    sections = Sections()
    budget = _Budget(source)
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = _rows(sheet.iter_rows(values_only=True), budget)
        for at, paragraph in enumerate(grouped(_lines(rows))):
            if at == 0:  # an empty sheet has no heading either
                sections.heading(1, sheet.title)
            sections.paragraph(paragraph)
    title = clean_line(workbook.properties.title or "") or clean_line(source.stem)
    return ExtractedText(title, sections.finish(), None, "xlsx")


class _Budget:
    """How many cells were read, over all sheets."""

    def __init__(self, source: Source) -> None:
        self.cells = 0
        self._rows = 0
        self._source = source

    def spend(self, cells: int) -> None:
        """Count a row's filled cells.

        Raises: Refused (too_large).
        """
        self.cells += cells
        self._rows += 1
        if self._rows % _PROGRESS_ROWS == 0:
            self._source.progress(self._rows, None)
        if self.cells > MAX_CELLS:
            raise Refused(FailureCode.TOO_LARGE, limit=MAX_CELLS, unit="cells")


def _rows(rows: Iterator[tuple[object, ...]], budget: _Budget) -> Iterator[list[str]]:
    empty = 0
    for row in rows:
        cells = [_text(value) for value in row]
        filled = sum(bool(cell) for cell in cells)
        if filled:
            empty = 0
            budget.spend(filled)
            yield cells
        else:
            empty += 1
            if empty > _MAX_EMPTY_ROWS:
                return


def _lines(rows: Iterator[list[str]]) -> Iterator[str]:
    sample = [row for _count, row in zip(range(_SAMPLE_ROWS), rows, strict=False)]
    header: Sequence[str] = sample[0] if has_header(sample) else ()
    for row in sample[1:] if header else sample:
        yield from row_lines(header, row)
    for row in rows:
        yield from row_lines(header, row)


def _text(value: object) -> str:
    """Return a cell as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        )
    return clean_line(str(value))
