"""The formats that can be read: one line here and one file beside it for each.

A format's module has `read(source: Source) -> ExtractedText` and is imported only when a file needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from knowledge.extract.archive import Room
from knowledge.extract.refusal import Refused
from knowledge.extract.types import ExtractedText, FailureCode

if TYPE_CHECKING:
    from knowledge.extract.ocr import Recogniser


class Container(StrEnum):
    """What the bytes of a format must look like before its parser sees them."""

    PDF = "pdf"
    OOXML = "ooxml"
    PACKAGE = "package"
    TEXT = "text"
    ZIP = "zip"
    MAIL = "mail"


@dataclass(frozen=True)
class Format:
    """One readable format; `main_part` is the file its container must hold."""

    name: str
    label: str
    suffixes: tuple[str, ...]
    container: Container
    main_part: str = ""


@dataclass(frozen=True)
class Source:
    """An opened upload: its bytes, its name as the person gave it, and where progress goes.

    A file inside another has a `depth` over 0 and shares the upload's `room` and its `recogniser`, which is
    there when pictures of pages can be read.
    """

    file: BinaryIO
    name: str
    progress: Callable[[int, int | None], None]
    depth: int = 0
    room: Room = field(default_factory=Room)
    recogniser: Recogniser | None = None

    @property
    def stem(self) -> str:
        """Return the name without its ending, as a title of last resort."""
        return PurePath(self.name).stem.replace("_", " ").strip() or self.name


class Reader(Protocol):
    """What every format's module offers."""

    def read(self, source: Source) -> ExtractedText: ...


FORMATS: tuple[Format, ...] = (
    Format("pdf", "PDF", (".pdf",), Container.PDF),
    Format("docx", "Word (DOCX)", (".docx",), Container.OOXML, "word/document.xml"),
    Format("pptx", "PowerPoint (PPTX)", (".pptx",), Container.OOXML, "ppt/presentation.xml"),
    Format("xlsx", "Excel (XLSX)", (".xlsx",), Container.OOXML, "xl/workbook.xml"),
    Format("odt", "OpenDocument (ODT)", (".odt",), Container.PACKAGE, "content.xml"),
    Format("epub", "EPUB", (".epub",), Container.PACKAGE, "META-INF/container.xml"),
    Format("markdown", "Markdown", (".md", ".markdown"), Container.TEXT),
    Format("rst", "reStructuredText", (".rst", ".rest"), Container.TEXT),
    Format("text", "TXT", (".txt", ".text"), Container.TEXT),
    Format("csv", "CSV", (".csv", ".tsv"), Container.TEXT),
    Format("html", "HTML", (".html", ".htm", ".xhtml"), Container.TEXT),
    Format("json", "JSON", (".json",), Container.TEXT),
    Format("jsonl", "JSON Lines", (".jsonl", ".ndjson"), Container.TEXT),
    Format("eml", "EML", (".eml",), Container.MAIL),
    Format("zip", "ZIP", (".zip",), Container.ZIP),
)
SUFFIXES: tuple[str, ...] = tuple(suffix for entry in FORMATS for suffix in entry.suffixes)


def suffix_of(name: str) -> str:
    """Return the file name's ending in lower case, with its dot."""
    return PurePath(name).suffix.lower()


def format_of(name: str) -> Format:
    """Return the format a file name promises.

    Raises: Refused (unsupported_type).
    """
    suffix = suffix_of(name)
    for entry in FORMATS:
        if suffix in entry.suffixes:
            return entry
    raise Refused(FailureCode.UNSUPPORTED_TYPE, suffix=suffix[:20])


def reader_of(entry: Format) -> Reader:
    """Import the one module that reads this format."""
    return cast(Reader, import_module(f"knowledge.extract.{entry.name}"))
