"""JSON Lines: one record on every line; short ones are rows, others have a section each."""

from __future__ import annotations

from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.json import write_lines
from knowledge.extract.types import ExtractedText


def read(source: Source) -> ExtractedText:
    """Read a file of JSON Lines.

    Raises: Refused (type_mismatch, bad_encoding, corrupt with its line, too_complex, too_large).
    """
    text, encoding = decode(source.file.read())
    return write_lines(source, text, encoding, "jsonl")
