"""OpenDocument texts: headings, paragraphs, lists and tables in their order.

Read from `content.xml` itself: no entity is expanded, and what is deleted, hidden or a comment stays out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.package import Package, local_name
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText, FailureCode

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"
# fmt: off
_SKIPPED = frozenset(
    (f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content", f"{_TEXT}illustration-index",
     f"{_TEXT}table-index", f"{_TEXT}object-index", f"{_TEXT}alphabetical-index", f"{_TEXT}hidden-text",
     f"{_TEXT}ruby-text", f"{_TEXT}note-citation", f"{_OFFICE}annotation", f"{_OFFICE}forms",
     f"{_TEXT}sequence-decls", f"{_TEXT}variable-decls", f"{_TEXT}user-field-decls")
)
# fmt: on
_ASIDE = frozenset((f"{_TEXT}note-body", f"{_DRAW}text-box"))
_HEADING_STYLE = re.compile(r"Heading_20_([1-9])$")
_MAX_DEPTH = 150
_MAX_COLUMNS = 256
_PROGRESS_STEP = 500


def read(source: Source) -> ExtractedText:
    """Read an ODT file.

    Raises: Refused (corrupt, encrypted, archive_bomb, too_complex, too_large).
    """
    with Package(source.file) as package:
        _check_readable(package)
        content = package.xml("content.xml")
        styles = _Styles(content)
        if "styles.xml" in package.names:
            styles.add(package.xml("styles.xml"))
        named = package.xml("meta.xml").findtext(f".//{_DC_TITLE}") if "meta.xml" in package.names else ""
    body = content.find(f"{_OFFICE}body/{_OFFICE}text")
    if body is None:
        raise Refused(FailureCode.CORRUPT, "ODT: no text in content.xml")
    writer = _Writer(styles, source)
    writer.write(body, 0)
    if writer.sections.is_empty:
        writer.sections.paragraph(writer.title)
    title = writer.title or clean_line(named or "")
    title = title or writer.sections.first_heading or clean_line(source.stem)
    return ExtractedText(title, writer.sections.finish(), None, "odt")


def _check_readable(package: Package) -> None:
    if "META-INF/manifest.xml" in package.names:
        parts = package.xml("META-INF/manifest.xml").iter()
        if any(local_name(part) == "encryption-data" for part in parts):
            raise Refused(FailureCode.ENCRYPTED, "encrypted OpenDocument")


class _Styles:
    """What the names of styles mean; a style made by hand inherits from a named one."""

    def __init__(self, content: etree._Element) -> None:
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        self.add(content)

    def add(self, root: etree._Element) -> None:
        """Learn the styles of one part."""
        for style in root.iter(f"{_STYLE}style"):
            name = style.get(f"{_STYLE}name", "")
            self._parents.setdefault(name, style.get(f"{_STYLE}parent-style-name", ""))
            properties = style.find(f"{_STYLE}text-properties")
            if properties is not None and properties.get(f"{_TEXT}display") == "none":
                self._hidden.add(name)

    def is_hidden(self, element: etree._Element) -> bool:
        """Tell whether the author hid an element's text."""
        return element.get(f"{_TEXT}style-name", "") in self._hidden

    def level(self, element: etree._Element) -> int | None:
        """Return the heading level of a paragraph; 0 is the document's title."""
        if element.tag == f"{_TEXT}h":
            level = element.get(f"{_TEXT}outline-level", "1")
            return int(level) if level.isdecimal() and 1 <= int(level) <= 10 else 1
        name, seen = element.get(f"{_TEXT}style-name", ""), set[str]()
        while name and name not in seen:
            heading = _HEADING_STYLE.match(name)
            if heading or name == "Title":
                return int(heading[1]) if heading else 0
            seen.add(name)
            name = self._parents.get(name, "")
        return None


class _Writer:
    """Walks the body once; notes and text boxes follow the paragraph that holds them."""

    def __init__(self, styles: _Styles, source: Source) -> None:
        self.sections = Sections()
        self.title = ""
        self._styles = styles
        self._source = source
        self._blocks = 0

    def write(self, container: etree._Element, depth: int, *, in_list: bool = False) -> None:
        """Write every paragraph, list and table below an element."""
        _check_depth(depth)
        fresh = in_list
        for block in container:
            if block.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                self._paragraph(block, depth, is_item=fresh)
                fresh = False
            elif block.tag == f"{_TABLE}table":
                self._table(block, depth)
            elif block.tag in (f"{_TEXT}list-item", f"{_TEXT}list-header"):
                self.write(block, depth + 1, in_list=True)
            elif isinstance(block.tag, str) and block.tag not in _SKIPPED:
                self.write(block, depth + 1)

    def _paragraph(self, paragraph: etree._Element, depth: int, *, is_item: bool) -> None:
        self._blocks += 1
        if self._blocks % _PROGRESS_STEP == 0:
            self._source.progress(self._blocks, None)
        if self._styles.is_hidden(paragraph):
            return
        text = self._text(paragraph)
        level = self._styles.level(paragraph)
        if level == 0 and text.strip() and not self.title:
            self.title = clean_line(text)
        elif level is not None:
            self.sections.heading(max(level, 1), text)
        elif is_item:
            self.sections.item(f"- {text}" if text.strip() else "")
        else:
            self.sections.paragraph(text)
        for aside in _asides(paragraph, 0):
            self.write(aside, depth + 1)

    def _table(self, table: etree._Element, depth: int) -> None:
        rows = [self._row(row, depth) for row in _table_rows(table, 0)]
        self.sections.rows(table_text(rows))

    def _row(self, row: etree._Element, depth: int) -> list[str]:
        cells: list[str] = []
        for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            text = " ".join(self._cell(cell, depth + 1))
            repeated = cell.get(f"{_TABLE}number-columns-repeated", "1")
            times = int(repeated) if repeated.isdecimal() and len(repeated) < 9 else 1
            # What is repeated is a blank that keeps the columns in line; a row says a thing once.
            cells.extend([text, *([""] * (min(times, _MAX_COLUMNS) - 1))])
        return cells[:_MAX_COLUMNS] if not any(cells[_MAX_COLUMNS:]) else [cell for cell in cells if cell]

    def _cell(self, element: etree._Element, depth: int) -> Iterator[str]:
        _check_depth(depth)
        for child in element:
            if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                if not self._styles.is_hidden(child):
                    yield self._text(child)
                for aside in _asides(child, 0):
                    yield from self._cell(aside, depth + 1)
            elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
                yield from self._cell(child, depth + 1)

    def _text(self, paragraph: etree._Element) -> str:
        return "".join(self._pieces(paragraph, 0))

    def _pieces(self, element: etree._Element, depth: int) -> Iterator[str]:
        _check_depth(depth)
        yield _folded(element.text)
        for child in element:
            tag = child.tag
            if tag == f"{_TEXT}s":
                yield " "
            elif tag == f"{_TEXT}tab":
                yield "\t"
            elif tag == f"{_TEXT}line-break":
                yield "\n"
            elif isinstance(tag, str) and not self._is_left_out(child):
                yield from self._pieces(child, depth + 1)
            yield _folded(child.tail)

    def _is_left_out(self, element: etree._Element) -> bool:
        return element.tag in _SKIPPED or element.tag in _ASIDE or self._styles.is_hidden(element)


def _asides(element: etree._Element, depth: int) -> Iterator[etree._Element]:
    """Yield the notes and text boxes of a paragraph that lie in no other of them."""
    _check_depth(depth)
    for child in element:
        if child.tag in _ASIDE:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
            yield from _asides(child, depth + 1)


def _table_rows(element: etree._Element, depth: int) -> Iterator[etree._Element]:
    _check_depth(depth)
    for child in element:
        if child.tag == f"{_TABLE}table-row":
            yield child
        elif isinstance(child.tag, str) and local_name(child) in _ROW_GROUPS:
            yield from _table_rows(child, depth + 1)


_ROW_GROUPS = frozenset(("table-header-rows", "table-rows", "table-row-group"))


def _check_depth(depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")


def _folded(text: str | None) -> str:
    """Spaces in the markup are single; more are written as elements."""
    return re.sub(r"\s+", " ", text) if text else ""
