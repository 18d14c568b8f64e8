"""EPUB books: the chapters in reading order, each under its own headings, or its name in the contents."""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.html import PageWriter, page_text, parse_page
from knowledge.extract.package import Package, local_name, parse_xml
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.types import ExtractedText, FailureCode

_HEAD = 64 * 1024  # a document type ends here; entities declared later are refused by the parser's own check
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
# An entity made of entities grows without end; one that names a file wants it opened.
_HARMFUL_ENTITY = re.compile(r"""<!ENTITY[^>]*?(?:["'][^"'>]*&[A-Za-z]|\bSYSTEM\b|\bPUBLIC\b)""")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_OWN_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_HEADING = re.compile(r"h[1-6]$")


@dataclass(frozen=True)
class _Item:
    """One file the book's package names."""

    path: str
    media_type: str
    properties: frozenset[str]


def read(source: Source) -> ExtractedText:
    """Read an EPUB book (2 or 3).

    Raises: Refused (corrupt, encrypted, archive_bomb, too_complex, too_large).
    """
    with Package(source.file) as package:
        book_path = _book_path(package)
        book = package.xml(book_path)
        items = _items(book, posixpath.dirname(book_path))
        chapters = _chapters(book, items)
        _check_readable(package, chapters)
        names = _contents(package, items)
        sections = Sections()
        missing = 0
        for done, item in enumerate(chapters, start=1):
            if item.path in package.names:
                _write_chapter(package.read(item.path), names.get(item.path, ""), sections)
            else:
                missing += 1
            source.progress(done, len(chapters))
    if chapters and missing == len(chapters):
        raise Refused(FailureCode.CORRUPT, "no chapter is in the container")
    title = clean_line(_first_text(book, "title")) or sections.first_heading or clean_line(source.stem)
    warnings = (f"chapters_missing:{missing}",) if missing else ()
    return ExtractedText(title, sections.finish(), None, "epub", warnings)


def _book_path(package: Package) -> str:
    for element in package.xml(_CONTAINER).iter():
        if local_name(element) == "rootfile":
            path = _inside("", element.get("full-path", ""))
            if path in package.names:
                return path
    raise Refused(FailureCode.CORRUPT, "the container names no book")


def _items(book: etree._Element, folder: str) -> dict[str, _Item]:
    return {
        element.get("id", ""): _Item(
            _inside(folder, element.get("href", "")),
            element.get("media-type", ""),
            frozenset(element.get("properties", "").split()),
        )
        for element in book.iter()
        if local_name(element) == "item"
    }


def _chapters(book: etree._Element, items: dict[str, _Item]) -> list[_Item]:
    """Return what the spine lists, each once, without pictures and the table of contents."""
    ids = [element.get("idref", "") for element in book.iter() if local_name(element) == "itemref"]
    chapters = [items[name] for name in dict.fromkeys(ids) if name in items]
    return [
        item
        for item in chapters
        if "nav" not in item.properties and not item.media_type.startswith(("image/", "audio/", "video/"))
    ]


def _check_readable(package: Package, chapters: list[_Item]) -> None:
    """Fonts may be scrambled; a chapter that is needs a reader's key."""
    if _ENCRYPTION not in package.names:
        return
    paths = {item.path for item in chapters}
    for element in package.xml(_ENCRYPTION).iter():
        if local_name(element) == "CipherReference" and _inside("", element.get("URI", "")) in paths:
            raise Refused(FailureCode.ENCRYPTED, "a chapter is encrypted")


def _contents(package: Package, items: dict[str, _Item]) -> dict[str, str]:
    """Return each file's name in the table of contents (EPUB 3, else EPUB 2); empty where there is none."""
    for item in sorted(items.values(), key=lambda item: "nav" not in item.properties):
        if item.path not in package.names:
            continue
        if "nav" in item.properties:
            root = _parse_chapter(package.read(item.path))
            links = [(link.get("href", ""), "".join(map(str, link.itertext()))) for link in root.iter("a")]
        elif item.media_type == "application/x-dtbncx+xml":
            links = _ncx_links(package.xml(item.path))
        else:
            continue
        names: dict[str, str] = {}
        for target, name in links:
            names.setdefault(_inside(posixpath.dirname(item.path), target), clean_line(name))
        return names
    return {}


def _ncx_links(root: etree._Element) -> list[tuple[str, str]]:
    links = []
    for point in root.iter():
        if local_name(point) == "navPoint":
            target = next((child.get("src", "") for child in point if local_name(child) == "content"), "")
            label = next((child for child in point if local_name(child) == "navLabel"), None)
            links.append((target, "" if label is None else "".join(map(str, label.itertext()))))
    return links


def _write_chapter(data: bytes, name: str, sections: Sections) -> None:
    root = _parse_chapter(data)
    body = root.find(".//body")
    body = root if body is None else body
    sections.leave_headings()
    if not any(_HEADING.match(str(element.tag)) for element in body.iter()):
        sections.heading(1, name)
    PageWriter(sections, skip_boilerplate=False).write(body)


def _parse_chapter(data: bytes) -> etree._Element:
    """Return the tree of a chapter, as XHTML where it is well-formed, else as a browser would read it."""
    try:
        text, _encoding = page_text(data)
    except Refused as exc:
        raise Refused(FailureCode.CORRUPT, f"a chapter is no text: {exc.detail}") from exc
    head, rest = text[:_HEAD], text[_HEAD:]
    if _HARMFUL_ENTITY.search(head):
        raise Refused(FailureCode.ARCHIVE_BOMB, "a chapter declares entities")
    markup = _ENTITY.sub(_character, _DOCTYPE.sub("", head, count=1) + rest)
    try:
        root = parse_xml(markup.encode("utf-8", errors="replace"), "chapter")
    except Refused as exc:
        if exc.code is not FailureCode.CORRUPT:
            raise
        return parse_page(text)
    for element in root.iter():
        element.tag = local_name(element) or element.tag
    return root


def _character(reference: re.Match[str]) -> str:
    """HTML's names of letters are unknown to XML."""
    if reference[1] in _OWN_ENTITIES:
        return reference[0]
    character = html.unescape(reference[0])
    return character if character == reference[0] else html.escape(character)


def _inside(folder: str, target: str) -> str:
    """Return the container's name for an address in one of its files; it is only looked up, never opened."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join(folder, path)).lstrip("/")


def _first_text(book: etree._Element, name: str) -> str:
    for element in book.iter():
        if local_name(element) == name and element.text:
            return element.text
    return ""
