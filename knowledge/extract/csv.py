"""CSV and TSV: every row a line that names its columns, so that a row can be found on its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from knowledge.extract.clean import clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source, suffix_of
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.tables import grouped, has_header, row_lines
from knowledge.extract.types import ExtractedText, FailureCode

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 64 * 1024
_SAMPLE_ROWS = 50
_MAX_FIELD = 1_000_000


def read(source: Source) -> ExtractedText:
    """Read a table of text; the separator is found by which one cuts the rows most evenly.

    Raises: Refused (type_mismatch, bad_encoding, corrupt, too_large).
    """
    csv.field_size_limit(_MAX_FIELD)
    text, encoding = decode(source.file.read())
    delimiter = "\t" if suffix_of(source.name) == ".tsv" else find_delimiter(text[:_SAMPLE_CHARACTERS])
    sections = Sections()
    try:
        for paragraph in grouped(_lines(_rows(text, delimiter))):
            sections.paragraph(paragraph)
    except csv.Error as exc:
        raise Refused(FailureCode.CORRUPT, f"CSV: {exc}") from exc
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    return ExtractedText(clean_line(source.stem), sections.finish(), None, "csv", warnings)


def find_delimiter(sample: str) -> str:
    """Return the separator that gives most columns in most rows; a comma when none does."""
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in _rows(sample, delimiter, limit=_SAMPLE_ROWS)]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=1)
        score = widths.count(usual) / len(widths) * min(usual, 20) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str, limit: int | None = None) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for count, row in enumerate(reader):
        if limit is not None and count >= limit:
            return
        cells = [clean_line(cell) for cell in row]
        if any(cells):
            yield cells


def _lines(rows: Iterator[list[str]]) -> Iterator[str]:
    sample = [row for _count, row in zip(range(_SAMPLE_ROWS), rows, strict=False)]
    header: Sequence[str] = sample[0] if has_header(sample) else ()
    for row in sample[1:] if header else sample:
        yield from row_lines(header, row)
    for row in rows:
        yield from row_lines(header, row)
