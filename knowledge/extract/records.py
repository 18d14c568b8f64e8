"""JSON values as text: an object is lines of "key: value", small flat records are rows of a table. Pure.

A key inside another is named by its whole path ("address.city"); a large object inside another is headed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from knowledge.extract.clean import clean_line
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.tables import grouped, row_lines
from knowledge.extract.types import FailureCode

Json: TypeAlias = "str | bool | list[Json] | dict[str, Json] | None"  # figures are `Figure`, which is text

MAX_FIGURES = 50
MAX_DEPTH = 100
_HEADING_DEPTH = 4
_SMALL_LINES = 12
_ROW = 300
_LONG = 200
_SAMPLE = 50
_NAMES = ("title", "name", "heading", "subject", "question", "label", "key", "id")


class Figure(str):
    """A number as the file writes it: no digit is lost."""


class RecordWriter:
    """Writes values into sections, and counts the lists of figures it had to cut."""

    def __init__(self, sections: Sections) -> None:
        self.shortened = 0
        self._sections = sections

    def value(self, value: Json, level: int = 1) -> None:
        """Write any value.

        Raises: Refused (too_complex, too_large).
        """
        _check_depth(level)
        if isinstance(value, dict):
            self._object(value, level)
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            if _all_figures(value, level):
                self._lines(self._pairs("", value, level))
            else:
                self.records(value, level)
        elif isinstance(value, list):
            self._lines(self._pairs("", value, level))
        else:
            self._lines([("", _scalar(value))])

    def records(self, items: Sequence[Json], level: int = 1) -> None:
        """Write what a list holds: short flat records as rows, others under a heading each."""
        if all(self._is_row(item) for item in items[:_SAMPLE]):
            lines = (line for item in items for line in self._row(item, level))
            for group in grouped(lines):
                self._sections.rows(group)
            return
        for number, item in enumerate(items, start=1):
            if isinstance(item, dict | list) and any(leaf.strip() for leaf in _leaves(item)):
                self._sections.heading(level, _name(item) or f"[{number}]")
            self.value(item, level + 1)

    def _object(self, value: dict[str, Json], level: int) -> None:
        large: list[tuple[str, Json]] = []
        pairs: list[tuple[str, str]] = []
        for key, item in value.items():
            if isinstance(item, dict | list) and level <= _HEADING_DEPTH and not self._is_small(item, level):
                large.append((key, item))
            else:
                pairs.extend(self._pairs(key, item, level))
        self._lines(pairs)
        for key, item in large:
            if not any(leaf.strip() for leaf in _leaves(item)):
                continue
            self._sections.heading(level, key)
            self.value(item, level + 1)

    def _is_small(self, value: Json, level: int) -> bool:
        if isinstance(value, list):
            has_parts = any(isinstance(item, dict | list) for item in value)
            return not has_parts or _all_figures(value, level)
        if not isinstance(value, dict) or len(value) > _SMALL_LINES:
            return not isinstance(value, dict)
        return all(not isinstance(item, dict) or not item for item in value.values()) and all(
            self._is_small(item, level + 1) for item in value.values()
        )

    def _is_row(self, item: Json) -> bool:
        if not isinstance(item, dict):
            return False
        if any(isinstance(value, dict | list) and value for value in item.values()):
            return False
        return sum(len(key) + len(_scalar(value)) + 4 for key, value in item.items()) <= _ROW

    def _row(self, item: Json, level: int) -> list[str]:
        pairs = list(self._pairs("", item, level))
        return row_lines(
            [clean_line(key) for key, _text in pairs], [clean_line(text) for _key, text in pairs]
        )

    def _pairs(self, path: str, value: Json, depth: int) -> Iterator[tuple[str, str]]:
        """Yield (path, text) for every leaf; a list of leaves is one of them."""
        _check_depth(depth)
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._pairs(f"{path}.{key}" if path else key, item, depth + 1)
        elif not isinstance(value, list):
            yield path, _scalar(value)
        elif _all_figures(value, depth):
            yield path, self._figures(value)
        elif any(isinstance(item, dict | list) for item in value):
            for number, item in enumerate(value, start=1):
                yield from self._pairs(f"{path}[{number}]", item, depth + 1)
        else:
            yield path, _joined([_scalar(item) for item in value])

    def _figures(self, value: list[Json]) -> str:
        figures = list(_leaves(value))
        if len(figures) <= MAX_FIGURES:
            return ", ".join(figures)
        self.shortened += 1
        return f"{', '.join(figures[:MAX_FIGURES])}, … ({len(figures)})"

    def _lines(self, pairs: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> None:
        """Short values are lines together; a long one is paragraphs of its own."""
        lines: list[str] = []
        for key, text in pairs:
            line = f"{key}: {text}" if key else text
            if not text.strip():
                continue
            if len(text) <= _LONG and "\n" not in text:
                lines.append(clean_line(line))
                continue
            self._flush(lines)
            lines = []
            self._sections.paragraph(line)
        self._flush(lines)

    def _flush(self, lines: Sequence[str]) -> None:
        if lines:
            self._sections.rows("\n".join(lines))


def _name(item: Json) -> str:
    """Return what a record calls itself."""
    if isinstance(item, dict):
        by_key = {key.casefold(): value for key, value in item.items()}
        for key in _NAMES:
            value = by_key.get(key)
            if isinstance(value, str) and 0 < len(value) <= _LONG:
                return value
    return ""


def _scalar(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _joined(items: Sequence[str]) -> str:
    words = [item for item in items if item.strip()]
    is_long = any(len(item) > 80 or "\n" in item for item in words)
    return "\n".join(words) if is_long or sum(map(len, words)) > 2000 else ", ".join(words)


def _all_figures(value: Json, depth: int) -> bool:
    _check_depth(depth)
    if isinstance(value, list):
        return bool(value) and all(_all_figures(item, depth + 1) for item in value)
    return isinstance(value, Figure)


def _leaves(value: Json, depth: int = 0) -> Iterator[str]:
    _check_depth(depth)
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item, depth + 1)
    else:
        yield _scalar(value)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
