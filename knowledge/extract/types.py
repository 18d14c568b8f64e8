"""What a document is once it is text. No Django here: the child process uses these too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class FailureCode(StrEnum):
    """Why a file did not become text: stable names, stored on the document and sent to the browser."""

    UNSUPPORTED_TYPE = "unsupported_type"
    EMPTY_FILE = "empty_file"
    NO_TEXT = "no_text"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    TYPE_MISMATCH = "type_mismatch"
    ARCHIVE_BOMB = "archive_bomb"
    TOO_COMPLEX = "too_complex"
    TIMEOUT = "timeout"
    PARSER_CRASHED = "parser_crashed"
    BAD_ENCODING = "bad_encoding"
    MISSING_FILE = "missing_file"
    STOPPED = "stopped"


Params = Mapping[str, str | int]


@dataclass(frozen=True)
class ExtractedSection:
    """Paragraphs (separated by blank lines) that share a heading path and a page.

    A row of a table is one line. `page` counts from 1 and is None where the format has no pages.
    """

    text: str
    heading: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True)
class ExtractedText:
    """A whole document as text, in reading order.

    `warnings` are stable words, some with a figure ("pages_are_pictures:3"): see `errors.warning_message`.
    One about a file inside has its name before it ("part:plan.pdf\\tunread:encrypted").
    """

    title: str
    sections: tuple[ExtractedSection, ...]
    pages: int | None
    format: str
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> ExtractedText:
        """Build from what `to_json` made.

        Raises: ValueError for any other shape.
        """
        sections = value.get("sections")
        warnings = value.get("warnings")
        if not isinstance(sections, list) or not isinstance(warnings, list):
            raise ValueError("not an extracted text")
        return cls(
            title=str(value.get("title", "")),
            sections=tuple(_section(item) for item in sections),
            pages=_number(value.get("pages")),
            format=str(value.get("format", "")),
            warnings=tuple(str(item) for item in warnings),
        )


def _section(value: object) -> ExtractedSection:
    if not isinstance(value, dict) or not isinstance(value.get("heading"), list):
        raise ValueError("not an extracted section")
    heading = tuple(str(part) for part in value["heading"])
    return ExtractedSection(text=str(value["text"]), heading=heading, page=_number(value.get("page")))


def _number(value: object) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ValueError("not a number")
