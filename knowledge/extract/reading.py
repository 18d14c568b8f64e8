"""Read one opened file: the check of its content, then its format's own module.

A file may hold others (an archive, a mail with attachments); those come through here as well.
"""

from __future__ import annotations

from knowledge.extract.formats import Source, format_of, reader_of
from knowledge.extract.refusal import Refused
from knowledge.extract.sniff import check_content
from knowledge.extract.types import ExtractedText, FailureCode


def read(source: Source) -> ExtractedText:
    """Check that content and name agree, then let the format's own module read.

    Raises: Refused.
    """
    entry = format_of(source.name)
    check_content(source.file, source.name, entry)
    result = reader_of(entry).read(source)
    if not result.sections:
        raise Refused(FailureCode.NO_TEXT)
    return result
