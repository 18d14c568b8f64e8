"""Rows of a table as lines that read well and can be found on their own: pure.

With a header row each line is "Header: value; Header: value"; without one, "value; value".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from knowledge.extract.clean import clean_line

MAX_LINE = 600
_NUMBER = re.compile(r"^[+\-−(]?[\d.,:/\s%$€£₪-]*\d[\d.,:/\s%$€£₪)-]*$")


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns: filled, distinct, short, no figures."""
    if len(rows) < 2:
        return False
    first = [cell for cell in rows[0] if cell]
    if len(first) < max(1, len(rows[0]) * 0.6) or len({cell.casefold() for cell in first}) < len(first):
        return False
    return all(len(cell) <= 80 and not _NUMBER.match(cell) for cell in first)


def row_lines(header: Sequence[str], row: Sequence[str]) -> list[str]:
    """Return one row as one line, or several when it is long, each repeating the row's first cell."""
    cells: list[str] = []
    for index, value in enumerate(row):
        name = header[index] if index < len(header) else ""
        if value:
            cells.append(f"{name}: {value}" if name and name != value else value)
    if not cells:
        return []
    lines, current = [], cells[0]
    for cell in cells[1:]:
        if len(current) + len(cell) > MAX_LINE:
            lines.append(current)
            current = f"{cells[0][:80]}; {cell}"
        else:
            current += f"; {cell}"
    return [*lines, current]


def table_text(rows: Iterable[Sequence[str]]) -> str:
    """Return a whole small table as lines."""
    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    if not cleaned:
        return ""
    header: Sequence[str] = cleaned[0] if has_header(cleaned) else ()
    body = cleaned[1:] if header else cleaned
    return "\n".join(line for row in body for line in row_lines(header, row))


def grouped(lines: Iterable[str], size: int = MAX_LINE) -> Iterator[str]:
    """Group lines into paragraphs of about `size` characters."""
    group: list[str] = []
    length = 0
    for line in lines:
        if group and length + len(line) > size:
            yield "\n".join(group)
            group, length = [], 0
        group.append(line)
        length += len(line)
    if group:
        yield "\n".join(group)
