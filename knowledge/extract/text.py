"""Plain text: paragraphs by blank lines, hard-wrapped lines joined again."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from knowledge.extract.clean import clean_line, tidy
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.lines import paragraphs
from knowledge.extract.sections import MAX_CHARACTERS, Sections
from knowledge.extract.types import ExtractedSection, ExtractedText

_WRAPPED_AT = 100  # longer lines are whole paragraphs, not lines of a typewriter
_PART_BYTES = 4 * 1024 * 1024  # a longer file is read in parts, if it is UTF-8


def read(source: Source) -> ExtractedText:
    """Read a text file in any encoding.

    It may be as long as the file is: nothing in it was packed.
    Raises: Refused (type_mismatch, bad_encoding, too_large).
    """
    size = source.file.seek(0, 2)
    source.file.seek(0)
    limit = max(MAX_CHARACTERS, size)
    if size > _PART_BYTES:
        try:
            return _build(source, _sections(_parts(source.file), limit), "")
        except UnicodeDecodeError:  # another encoding, which only the whole can tell
            source.file.seek(0)
    text, encoding = decode(source.file.read())
    return _build(source, _sections(iter([text]), limit), encoding)


def _build(source: Source, sections: tuple[ExtractedSection, ...], encoding: str) -> ExtractedText:
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    return ExtractedText(clean_line(source.stem), sections, None, "text", warnings)


def _sections(parts: Iterator[str], limit: int) -> tuple[ExtractedSection, ...]:
    sections = Sections(limit)
    for part in parts:
        for block in tidy(part).split("\n\n"):
            sections.paragraph(unwrap(block))
    return sections.finish()


def _parts(file: BinaryIO) -> Iterator[str]:
    """Yield a long UTF-8 file part by part, parted between paragraphs, else between lines.

    Raises: UnicodeDecodeError for any other encoding; Refused for binary data.
    """
    head = file.read(_PART_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 0 in head:
        raise UnicodeDecodeError("utf-8", b"", 0, 0, "zero bytes or another mark")
    decode(head[: head.rfind(b"\n") + 1] or head)  # refuses what is no text
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    data = head
    while data:
        rest += decoder.decode(data)
        cut = max(rest.rfind("\n\n"), rest.rfind("\r\n\r\n"))
        cut = cut if cut > 0 else rest.rfind("\n")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
        data = file.read(_PART_BYTES)
    yield rest + decoder.decode(b"", final=True)


def unwrap(block: str) -> str:
    """Return a block of lines as the paragraphs that were wrapped to make them."""
    lines = block.split("\n")
    if len(lines) < 2 or max(map(len, lines)) > _WRAPPED_AT:
        return block
    return "\n\n".join(paragraphs(lines))
