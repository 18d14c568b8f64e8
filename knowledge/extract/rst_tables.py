"""The four ways reStructuredText writes a table, as rows of cells. Pure."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

GRID_BORDER = re.compile(r"\+(?:[-=]+\+)+$")
SIMPLE_BORDER = re.compile(r"=+(?: +=+)+$")
_RULE = re.compile(r"[-=+| ]+$")
_WIDE = "\x00"  # follows a character two columns wide while cells are cut


def grid_rows(lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table drawn with +, - and |; a cell over two columns stands in the first."""
    edges = [at for at, character in enumerate(lines[0]) if character == "+"]
    rows: list[list[str]] = [[""] * (len(edges) - 1)]
    for line in map(_in_columns, lines):
        if line.startswith("+") or "+--" in line or "+==" in line:
            rows.append([""] * (len(edges) - 1))
        start = 0
        for index in range(len(edges) - 1):
            end = edges[index + 1]
            if index + 2 < len(edges) and line[end : end + 1] not in ("|", "+"):
                continue
            piece = line[edges[start] + 1 : end]
            if not _RULE.match(piece):
                rows[-1][start] = f"{rows[-1][start]} {_text(piece)}".strip()
            start = index + 1
    return [row for row in rows if any(row)]


def simple_rows(lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table whose columns are ruled with =; a line without a first cell goes on."""
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    ends: list[int | None] = [*starts[1:], None]
    rows: list[list[str]] = []
    for line in lines[1:]:
        if not line.strip() or _RULE.match(line):
            continue
        shown = _in_columns(line)
        cells = [_text(shown[start:end]) for start, end in zip(starts, ends, strict=True)]
        if rows and not cells[0]:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows


def csv_rows(options: Mapping[str, str], lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a csv-table; raises csv.Error."""
    delimiter = {"tab": "\t", "space": " "}.get(options.get("delim", ""), options.get("delim", ","))
    delimiter = delimiter if len(delimiter) == 1 else ","
    header = [options["header"]] if options.get("header") else []
    return list(csv.reader([*header, *lines], delimiter=delimiter, skipinitialspace=True))


def list_rows(lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a list-table: a list of lists."""
    return [[" ".join(" ".join(cell).split()) for cell in _items(row)] for row in _items(lines)]


def _items(lines: Sequence[str]) -> Iterator[list[str]]:
    item: list[str] | None = None
    for line in lines:
        if re.match(r"[-*+](?:\s|$)", line):
            if item is not None:
                yield item
            item = [line[2:]]
        elif item is not None:
            item.append(line[2:])
    if item is not None:
        yield item


def _in_columns(line: str) -> str:
    return "".join(
        character + _WIDE if unicodedata.east_asian_width(character) in "WF" else character
        for character in line
    )


def _text(piece: str) -> str:
    return piece.replace(_WIDE, "").strip()
