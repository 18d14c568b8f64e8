"""Web pages: what a reader reads, without menus, scripts and frames. Nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from knowledge.extract.clean import clean, clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText, FailureCode

MAX_DEPTH = 250
_DECLARED = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9._-]+)""", re.IGNORECASE)
_XML_DECLARED = re.compile(rb"""^\s*<\?xml[^>]+encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# fmt: off
_SILENT = frozenset(
    ("script", "style", "noscript", "template", "head", "iframe", "frameset", "object", "embed", "svg",
     "canvas", "audio", "video", "map", "button", "select", "option", "datalist", "input", "textarea",
     "dialog")
)
_BOILERPLATE = frozenset(
    ("nav", "aside", "footer", "menu")
)
_BOILERPLATE_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "search", "complementary", "menu")
)
_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "li", "main", "menu",
     "nav", "ol", "p", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul")
)
# fmt: on


def read(source: Source) -> ExtractedText:
    """Read a web page.

    Menus, footers and the like are left out, unless nothing else is there.
    Raises: Refused (type_mismatch, bad_encoding, corrupt, too_complex, too_large).
    """
    text, encoding = page_text(source.file.read())
    root = parse_page(text)
    for skip_boilerplate in (True, False):
        writer = PageWriter(Sections(), skip_boilerplate=skip_boilerplate)
        writer.write(root)
        sections = writer.sections.finish()
        if sections:
            break
    title = clean_line(root.findtext(".//title") or "")
    title = title or writer.sections.first_heading or clean_line(source.stem)
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    return ExtractedText(title, sections, None, "html", warnings)


def page_text(data: bytes) -> tuple[str, str]:
    """Return a page's cleaned markup without its XML declaration, and the encoding if it was guessed."""
    declared = _DECLARED.search(data[:4096]) or _XML_DECLARED.search(data[:4096])
    text, encoding = decode(data, declared=declared[1].decode("ascii") if declared else "")
    return _XML_DECLARATION.sub("", clean(text)), encoding


def parse_page(text: str) -> etree._Element:
    """Return the tree of a page, however it was written."""
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    data = text.encode("utf-8", errors="replace")
    try:
        parser.feed(data)
        root = parser.close()
    except etree.XMLSyntaxError as exc:
        raise Refused(FailureCode.CORRUPT, f"HTML: {exc}") from exc
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log) or root is None:
        raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
    return root


class PageWriter:
    """Walks the tree once and writes headings, paragraphs, list items and tables."""

    def __init__(self, sections: Sections, *, skip_boilerplate: bool) -> None:
        self.sections = sections
        self._skip_boilerplate = skip_boilerplate
        self._inline: list[str] = []

    def write(self, root: etree._Element) -> None:
        """Write the whole page."""
        self._element(root, depth=0, inside_content=False)
        self._flush()

    def _element(self, element: etree._Element, *, depth: int, inside_content: bool) -> None:
        tag = element.tag
        if not isinstance(tag, str) or self._is_left_out(element, tag, inside_content):
            return
        if depth > MAX_DEPTH:
            raise Refused(FailureCode.TOO_COMPLEX, "nested too deeply")
        inside_content = inside_content or tag in ("main", "article")
        if tag in _HEADINGS:
            self._flush()
            self.sections.heading(_HEADINGS[tag], _all_text(element))
        elif tag == "pre":
            self._flush()
            self.sections.verbatim("".join(str(part) for part in element.itertext()).strip("\n"))
        elif tag == "table" and _is_data_table(element):
            self._flush()
            self.sections.rows(table_text(_rows(element)))
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "img":
            self._inline.append(f" {element.get('alt', '')} ")
        else:
            self._children(element, tag, depth, inside_content)

    def _children(self, element: etree._Element, tag: str, depth: int, inside_content: bool) -> None:
        is_block = tag in _BLOCKS
        if is_block and "".join(self._inline).strip() != "-":
            self._flush()
        if tag == "li":
            self._inline.append("- ")
        self._inline.append(_folded(element.text))
        for child in element:
            self._element(child, depth=depth + 1, inside_content=inside_content)
            self._inline.append(_folded(child.tail))
        if is_block:
            self._flush()

    def _is_left_out(self, element: etree._Element, tag: str, inside_content: bool) -> bool:
        if tag in _SILENT or element.get("hidden") is not None or element.get("aria-hidden") == "true":
            return True
        if not self._skip_boilerplate:
            return False
        if tag in _BOILERPLATE and not (inside_content and tag in ("aside", "footer")):
            return True
        if tag == "header" and not inside_content and element.find(".//h1") is None:
            return True
        return element.get("role") in _BOILERPLATE_ROLES

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline = []
        if text.startswith("- "):
            self.sections.item(text if text.strip() != "-" else "")
        else:
            self.sections.paragraph(text)


def _folded(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""


def _all_text(element: etree._Element) -> str:
    return clean_line(" ".join(_visible(element)))


def _visible(element: etree._Element) -> Iterator[str]:
    for part in element.iter():
        if isinstance(part.tag, str) and part.tag not in _SILENT and part.text:
            yield part.text
        if part is not element and part.tail:
            yield part.tail


def _is_data_table(table: etree._Element) -> bool:
    """Tell a table of facts from a table that only places things on the page."""
    if table.get("role") == "presentation" or table.find(".//table") is not None:
        return False
    if any(table.find(f".//{tag}") is not None for tag in ("h1", "h2", "h3", "form", "ul", "pre")):
        return False
    rows = [row for row in _rows(table) if any(row)]
    cells = [cell for row in rows for cell in row]
    return len(rows) >= 2 and max(map(len, rows)) >= 2 and max(map(len, cells)) <= 1500


def _rows(table: etree._Element) -> list[list[str]]:
    return [[_all_text(cell) for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
