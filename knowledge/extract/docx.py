"""Word documents: paragraphs, lists and tables in their order, headings as the path.

Page headers and footers, deleted text and comments are left out. The text is read from the document's
own elements, because python-docx's `paragraph.text` skips insertions, content controls and fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.document import Document as WordDocument
from docx.opc.exceptions import PackageNotFoundError
from lxml import etree

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.strict_office import usual
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText, FailureCode

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SKIPPED = frozenset(
    (*(f"{_W}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "instrText")), f"{_MC}Fallback")
)
_MAX_DEPTH = 150
_HEADING_NAME = re.compile(r"heading ([1-9])$", re.IGNORECASE)
_PROGRESS_STEP = 500


def read(source: Source) -> ExtractedText:
    """Read a DOCX file.

    Raises: Refused (corrupt, too_complex, too_large).
    """
    try:
        document = Document(usual(source.file))
    except (PackageNotFoundError, KeyError, ValueError, etree.XMLSyntaxError) as exc:
        raise Refused(FailureCode.CORRUPT, f"DOCX: {exc!r}") from exc
    writer = _Writer(_heading_levels(document), source)
    writer.write(document.element.body)
    for notes in _notes(document):
        writer.write(notes)
    if writer.sections.is_empty:
        writer.sections.paragraph(writer.title)
    title = writer.title or clean_line(document.core_properties.title or "")
    title = title or writer.sections.first_heading or clean_line(source.stem)
    return ExtractedText(title, writer.sections.finish(), None, "docx")


class _Writer:
    """Walks the body once; text boxes follow the paragraph that holds them."""

    def __init__(self, levels: dict[str, int], source: Source) -> None:
        self.sections = Sections()
        self.title = ""
        self._levels = levels
        self._source = source
        self._blocks = 0

    def write(self, container: Any) -> None:
        """Write every paragraph and table below an element."""
        for block in _blocks(container, 0):
            self._blocks += 1
            if self._blocks % _PROGRESS_STEP == 0:
                self._source.progress(self._blocks, None)
            if block.tag == f"{_W}tbl":
                self.sections.rows(table_text(_rows(block)))
            else:
                self._paragraph(block)

    def _paragraph(self, paragraph: Any) -> None:
        text = paragraph_text(paragraph)
        style = _attribute(paragraph, f"{_W}pPr/{_W}pStyle")
        level = _outline(paragraph) or self._levels.get(style)
        if level == 0 and text.strip() and not self.title:
            self.title = clean_line(text)
        elif level is not None:
            self.sections.heading(max(level, 1), text)
        elif paragraph.find(f"{_W}pPr/{_W}numPr") is not None or style.startswith("List"):
            self.sections.item(f"- {text}" if text.strip() else "")
        else:
            self.sections.paragraph(text)
        for box in paragraph.iter(f"{_W}txbxContent"):
            if not any(parent.tag == f"{_MC}Fallback" for parent in box.iterancestors()):
                self.write(box)


def _heading_levels(document: WordDocument) -> dict[str, int]:
    """Return style id → heading level; 0 is the document's title. Styles inherit from their base."""
    levels: dict[str, int] = {}
    bases: dict[str, str] = {}
    for style in document.styles.element.iterchildren(f"{_W}style"):
        name, style_id = _attribute(style, f"{_W}name"), style.get(f"{_W}styleId", "")
        match = _HEADING_NAME.match(name)
        outline = _attribute(style, f"{_W}pPr/{_W}outlineLvl")
        if match:
            levels[style_id] = int(match[1])
        elif name.casefold() == "title":
            levels[style_id] = 0
        elif outline.isdigit() and int(outline) < 9:
            levels[style_id] = int(outline) + 1
        else:
            bases[style_id] = _attribute(style, f"{_W}basedOn")
    for style_id, base in bases.items():
        seen = {style_id}
        while base and base not in levels and base not in seen:
            seen.add(base)
            base = bases.get(base, "")
        if levels.get(base):
            levels[style_id] = levels[base]
    return levels


def _notes(document: WordDocument) -> Iterator[Any]:
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(("/footnotes", "/endnotes")):
            try:
                yield etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False))
            except etree.XMLSyntaxError:
                return


def _blocks(container: Any, depth: int) -> Iterator[Any]:
    """Yield paragraphs and tables in order, also those inside content controls and insertions."""
    if depth > _MAX_DEPTH:
        raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
    for child in container:
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            yield child
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
            yield from _blocks(child, depth + 1)


def paragraph_text(paragraph: Any) -> str:
    """Return a paragraph's visible text, without its text boxes."""
    return "".join(_pieces(paragraph, 0))


def _pieces(element: Any, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
    for child in element:
        tag = child.tag
        if tag == f"{_W}t":
            yield child.text or ""
        elif tag == f"{_W}tab":
            yield "\t"
        elif tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif tag == f"{_W}noBreakHyphen":
            yield "-"
        elif tag == f"{_W}r" and child.find(f"{_W}rPr/{_W}vanish") is not None:
            continue  # hidden text: the author did not mean readers to see it
        elif isinstance(tag, str) and tag not in _SKIPPED and tag != f"{_W}txbxContent":
            yield from _pieces(child, depth + 1)


def _rows(table: Any, depth: int = 0) -> list[list[str]]:
    if depth > 10:
        raise Refused(FailureCode.TOO_COMPLEX, "tables nested too deeply")
    return [
        [_cell(cell, depth) for cell in row.iterchildren(f"{_W}tc", f"{_W}sdt")]
        for row in table.iter(f"{_W}tr")
        if next(row.iterancestors(f"{_W}tbl")) is table
    ]


def _cell(cell: Any, depth: int) -> str:
    parts: list[str] = []
    for block in _blocks(cell, 0):
        if block.tag == f"{_W}tbl":
            parts.extend(" ".join(row) for row in _rows(block, depth + 1))
        else:
            parts.append(paragraph_text(block))
    return " ".join(parts)


def _attribute(element: Any, path: str) -> str:
    found = element.find(path)
    return str(found.get(f"{_W}val", "")) if found is not None else ""


def _outline(paragraph: Any) -> int | None:
    level = _attribute(paragraph, f"{_W}pPr/{_W}outlineLvl")
    return int(level) + 1 if level.isdigit() and int(level) < 9 else None
