"""Plain text: paragraphs by blank lines, hard-wrapped lines joined again."""

from __future__ import annotations

from knowledge.extract.clean import clean_line, tidy
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.lines import paragraphs
from knowledge.extract.sections import Sections
from knowledge.extract.types import ExtractedText

_WRAPPED_AT = 100  # longer lines are whole paragraphs, not lines of a typewriter


def read(source: Source) -> ExtractedText:
    """Read a text file in any encoding.

    Raises: Refused (type_mismatch, bad_encoding, too_large).
    """
    text, encoding = decode(source.file.read())
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    sections = Sections()
    for block in tidy(text).split("\n\n"):
        sections.paragraph(unwrap(block))
    return ExtractedText(clean_line(source.stem), sections.finish(), None, "text", warnings)


def unwrap(block: str) -> str:
    """Return a block of lines as the paragraphs that were wrapped to make them."""
    lines = block.split("\n")
    if len(lines) < 2 or max(map(len, lines)) > _WRAPPED_AT:
        return block
    return "\n\n".join(paragraphs(lines))
