"""JSON: objects as "key: value" lines under the headings their keys make, lists of records as rows."""

from __future__ import annotations

import json
from typing import cast

from knowledge.extract.clean import clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.records import Figure, Json, RecordWriter
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.types import ExtractedText, FailureCode

_TITLES = ("title", "name")
_MANY_VALUES = "Extra data"  # what the parser says of a second value: the file may have one on every line


def read(source: Source) -> ExtractedText:
    """Read a JSON file; one that has a value on every line is read as JSON Lines.

    Raises: Refused (type_mismatch, bad_encoding, corrupt with its line, too_complex, too_large).
    """
    text, encoding = decode(source.file.read())
    try:
        value = parse(text)
    except json.JSONDecodeError as exc:
        if exc.msg != _MANY_VALUES or "\n" not in text[: exc.pos]:
            raise malformed(exc, exc.lineno) from exc
        return write_lines(source, text, encoding, "json")
    sections = Sections()
    writer = RecordWriter(sections)
    writer.value(value)
    return _finished(source, sections, writer, encoding, "json", _title(value))


def write_lines(source: Source, text: str, encoding: str, name: str) -> ExtractedText:
    """Read text that has one value on every line.

    Raises: Refused (corrupt with its line, too_complex, too_large).
    """
    values: list[Json] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                values.append(parse(line))
            except json.JSONDecodeError as exc:
                raise malformed(exc, number) from exc
    sections = Sections()
    writer = RecordWriter(sections)
    writer.records(values)
    return _finished(source, sections, writer, encoding, name, "")


def parse(text: str) -> Json:
    """Return the value of a JSON text; numbers stay as they are written.

    Raises: json.JSONDecodeError; RecursionError for what is nested too deeply.
    """
    return cast(Json, json.loads(text, parse_int=Figure, parse_float=Figure, parse_constant=Figure))


def malformed(exc: json.JSONDecodeError, line: int) -> Refused:
    """Return the refusal that names the line."""
    return Refused(FailureCode.CORRUPT, f"JSON: {exc.msg}, column {exc.colno}", line=line)


def _title(value: Json) -> str:
    if isinstance(value, dict):
        for key in _TITLES:
            title = value.get(key)
            if isinstance(title, str) and len(title) <= 200:
                return clean_line(title)
    return ""


def _finished(
    source: Source, sections: Sections, writer: RecordWriter, encoding: str, name: str, title: str
) -> ExtractedText:
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    if writer.shortened:
        warnings = (*warnings, f"numbers_shortened:{writer.shortened}")
    return ExtractedText(title or clean_line(source.stem), sections.finish(), None, name, warnings)
