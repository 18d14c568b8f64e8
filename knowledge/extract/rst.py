"""reStructuredText: titles become the path, literal blocks and tables stay readable, directives are read.

No directive is run: nothing is included, no file and no address is opened.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence

from knowledge.extract.clean import clean, clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.refusal import Refused
from knowledge.extract.rst_inline import plain, substitutions
from knowledge.extract.rst_tables import (
    GRID_BORDER,
    SIMPLE_BORDER,
    csv_rows,
    grid_rows,
    list_rows,
    simple_rows,
)
from knowledge.extract.sections import Sections
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText, FailureCode

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*$")
_ITEM = re.compile(r"(?P<mark>[-*+•‣⁃]|\(?(?:\d{1,4}|[A-Za-z#]|[ivxlcdmIVXLCDM]{2,6})[.)])(?P<gap> +|$)")
_FIELD = re.compile(r":(?P<name>[^:\s](?:[^:\n]{0,100}[^:\s])?):(?: +(?P<text>.*)|$)")
_DIRECTIVE = re.compile(r"(?P<name>[A-Za-z][\w:.+-]*?) ?::(?: +(?P<argument>.*)|$)")
_NOTE = re.compile(r"\[(?P<name>[^\]\n]{1,60})\](?: +(?P<text>.*)|$)")
# fmt: off
_LITERAL = frozenset(
    ("code", "code-block", "sourcecode", "parsed-literal", "math", "prompt", "doctest", "testcode",
     "productionlist", "highlight-block")
)
_SILENT = frozenset(
    ("contents", "toctree", "include", "literalinclude", "raw", "meta", "highlight", "default-role", "role",
     "index", "target-notes", "sectnum", "section-numbering", "header", "footer", "class", "rst-class",
     "currentmodule", "module", "tabularcolumns", "replace", "unicode", "date", "automodule", "autoclass")
)
_ADMONITIONS = frozenset(
    ("attention", "caution", "danger", "error", "hint", "important", "note", "tip", "warning", "seealso")
)
# fmt: on
_MAX_DEPTH = 40


def read(source: Source) -> ExtractedText:
    """Read a reStructuredText file.

    Raises: Refused (type_mismatch, bad_encoding, too_complex, too_large).
    """
    text, encoding = decode(source.file.read())
    text = clean(text).expandtabs(8)
    sections = Sections()
    _Reader(sections, substitutions(text)).blocks([line.rstrip() for line in text.split("\n")], 0)
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    title = sections.first_heading or clean_line(source.stem)
    return ExtractedText(title, sections.finish(), None, "rst", warnings)


class _Reader:
    """Reads block after block; what is indented below one is read the same way."""

    def __init__(self, sections: Sections, names: Mapping[str, str]) -> None:
        self._sections = sections
        self._names = names
        self._levels: list[tuple[str, bool]] = []
        self._kinds: tuple[Callable[[Sequence[str], int, int], int], ...] = (
            self._title,
            self._explicit,
            self._table,
            self._item,
            self._field,
            self._quote,
            self._paragraph,
        )

    def blocks(self, lines: Sequence[str], depth: int) -> None:
        """Write everything the lines say.

        Raises: Refused (too_complex, too_large).
        """
        if depth > _MAX_DEPTH:
            raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
        at = 0
        while at < len(lines):
            if not lines[at]:
                at += 1
                continue
            at = next(end for kind in self._kinds if (end := kind(lines, at, depth)) > at)

    def _plain(self, text: str) -> str:
        return plain(text, self._names)

    def _title(self, lines: Sequence[str], at: int, depth: int) -> int:
        """Titles are lines of punctuation below, or above and below, in the order they first appear."""
        if depth:
            return at
        line, below = lines[at], _line(lines, at + 1)
        if _ADORNMENT.match(line) and len(line) > 1:
            if below and _line(lines, at + 2)[:3] == line[:3] and _ADORNMENT.match(lines[at + 2]):
                self._heading(below, (line[0], True))
                return at + 3
            is_transition = len(line) >= 4 and not below and not _line(lines, at - 1)
            return at + 1 if is_transition else at
        if line[0] == " " or not _ADORNMENT.match(below) or len(below) < min(len(line), 4):
            return at
        self._heading(line, (below[0], False))
        return at + 2

    def _heading(self, text: str, style: tuple[str, bool]) -> None:
        if style not in self._levels:
            self._levels.append(style)
        self._sections.heading(self._levels.index(style) + 1, self._plain(text.strip()))

    def _explicit(self, lines: Sequence[str], at: int, depth: int) -> int:
        """Directives and notes are written; targets, substitutions and comments are not."""
        line = lines[at]
        if line.startswith("__ "):
            return at + 1
        if line == ".." and not _line(lines, at + 1):
            return at + 1
        if line != ".." and not line.startswith(".. "):
            return at
        body, end = _indented(lines, at + 1)
        directive, note = _DIRECTIVE.match(line[3:]), _NOTE.match(line[3:])
        if directive:
            self._directive(directive["name"].casefold(), directive["argument"] or "", body, depth)
        elif note:
            self.blocks([f"[{note['name']}] {note['text'] or ''}", *body], depth + 1)
        return end

    def _directive(self, name: str, argument: str, body: list[str], depth: int) -> None:
        options, content = _options(body)
        if name in _SILENT:
            return
        if name in _LITERAL:
            if name == "math" and argument:
                content = [argument, *content]
            self._sections.verbatim("\n".join(content).strip("\n"))
        elif name in ("image", "figure"):
            self._sections.paragraph(options.get("alt", ""))
            self.blocks(content, depth + 1)
        elif name in ("csv-table", "list-table"):
            self._sections.paragraph(self._plain(argument))
            self._rows(_directive_rows(name, options, content))
        elif name in _ADMONITIONS:
            content = [argument, *content] if argument else content
            first = next((index for index, line in enumerate(content) if line), 0)
            opening = f"{name.capitalize()}: {' '.join(content[first : first + 1])}"
            self.blocks([opening, *content[first + 1 :]], depth + 1)
        else:
            self._sections.paragraph(self._plain(argument))
            self.blocks(content, depth + 1)

    def _table(self, lines: Sequence[str], at: int, depth: int) -> int:
        if GRID_BORDER.match(lines[at]):
            end = at
            while _line(lines, end)[:1] in ("+", "|") and lines[end]:
                end += 1
            self._rows(grid_rows(lines[at:end]))
            return end
        if SIMPLE_BORDER.match(lines[at]):
            for end in range(at + 1, len(lines)):
                if SIMPLE_BORDER.match(lines[end]) and not _line(lines, end + 1):
                    self._rows(simple_rows(lines[at:end]))
                    return end + 1
        return at

    def _rows(self, rows: Sequence[Sequence[str]]) -> None:
        self._sections.rows(table_text([[self._plain(cell) for cell in row] for row in rows]))

    def _item(self, lines: Sequence[str], at: int, depth: int) -> int:
        match = _ITEM.match(lines[at])
        if not match:
            return at
        below = _line(lines, at + 1)
        if match["mark"][-1] in ".)" and below and below[0] != " " and not _ITEM.match(below):
            return at  # a sentence that begins like a number
        body, end = _indented(lines, at + 1)
        first, rest = _first_paragraph([lines[at][match.end() :], *body])
        mark = "-" if match["mark"] in "-*+•‣⁃#." else match["mark"]
        self._sections.item(f"{mark} {self._plain(_without_colons(first))}" if first else "")
        self._after(first, rest, depth)
        return end

    def _field(self, lines: Sequence[str], at: int, depth: int) -> int:
        match = _FIELD.match(lines[at])
        if not match:
            return at
        body, end = _indented(lines, at + 1)
        first, rest = _first_paragraph([match["text"] or "", *body])
        self._sections.item(f"{self._plain(match['name'])}: {self._plain(_without_colons(first))}")
        self._after(first, rest, depth)
        return end

    def _quote(self, lines: Sequence[str], at: int, depth: int) -> int:
        if lines[at][0] != " ":
            return at
        body, end = _indented(lines, at)
        self.blocks(body, depth + 1)
        return end

    def _paragraph(self, lines: Sequence[str], at: int, depth: int) -> int:
        end = at + 1
        while _line(lines, end) and lines[end][0] != " ":
            end += 1
        words = lines[at:end]
        if words[0].startswith(">>> "):
            self._sections.verbatim("\n".join(words))
        elif words[0].startswith("| "):
            self._sections.paragraph(self._plain("\n".join(line[2:] for line in words)))
        elif _line(lines, end) and len(words) == 1 and not words[0].endswith("::"):
            body, end = _indented(lines, end)  # a term and what it means
            first, rest = _first_paragraph(body)
            self._sections.paragraph(self._plain(f"{words[0]}: {_without_colons(first)}"))
            self._after(first, rest, depth)
        else:
            text = " ".join(words)
            self._sections.paragraph(self._plain(_without_colons(text)))
            if text.endswith("::"):
                body, end = _indented(lines, end)
                self._sections.verbatim("\n".join(body).strip("\n"))
        return end

    def _after(self, first: str, rest: Sequence[str], depth: int) -> None:
        """Write what follows a first paragraph that was written already."""
        if first.endswith("::"):
            body, end = _indented(rest, 0)
            self._sections.verbatim("\n".join(body).strip("\n"))
            rest = rest[end:]
        self.blocks(rest, depth + 1)


def _line(lines: Sequence[str], at: int) -> str:
    return lines[at] if 0 <= at < len(lines) else ""


def _indented(lines: Sequence[str], start: int) -> tuple[list[str], int]:
    """Return the indented lines from `start` without their common indent, and where they end."""
    end = start
    while end < len(lines) and (not lines[end] or lines[end][0] == " "):
        end += 1
    block = lines[start:end]
    indent = min((len(line) - len(line.lstrip(" ")) for line in block if line), default=0)
    return [line[indent:] for line in block], end


def _first_paragraph(lines: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the words before the first blank line or nested block, and the lines after them."""
    end = 0
    while end < len(lines) and lines[end] and (end == 0 or not _starts_block(lines[end])):
        end += 1
    return " ".join(line.strip() for line in lines[:end]), lines[end:]


def _starts_block(line: str) -> bool:
    return line.startswith((".. ", "+-", "===")) or bool(re.match(r"[-*+] ", line))


def _without_colons(text: str) -> str:
    """ "::" says that a literal block follows; one colon of it is read."""
    if not text.endswith("::"):
        return text
    return text[:-2].rstrip() if text[:-2].endswith(" ") or text == "::" else text[:-1]


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """Part a directive's options from its content."""
    options: dict[str, str] = {}
    at = 0
    while at < len(body) and (match := _FIELD.match(body[at])):
        options[match["name"].casefold()] = match["text"] or ""
        at += 1
    return options, body[at:]


def _directive_rows(name: str, options: Mapping[str, str], content: list[str]) -> list[list[str]]:
    if name == "list-table":
        return list_rows(content)
    try:
        return csv_rows(options, [line for line in content if line])
    except csv.Error as exc:
        raise Refused(FailureCode.CORRUPT, f"csv-table: {exc}") from exc
