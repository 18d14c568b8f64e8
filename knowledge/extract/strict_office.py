"""Office files saved as "Strict Open XML": the same format under names the parsers don't know."""

from __future__ import annotations

import io
import re
import zipfile
from typing import BinaryIO

_STRICT = b"http://purl.oclc.org/ooxml/"
_STRICT_NAME = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_USUAL_NAME = rb"http://schemas.openxmlformats.org/\1/2006/"


def usual(file: BinaryIO) -> BinaryIO:
    """Return the same container with the usual names; `file` itself where it has them already."""
    with zipfile.ZipFile(file) as old:
        if _STRICT not in old.read("_rels/.rels") and not _any_strict(old):
            file.seek(0)
            return file
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as new:
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, _STRICT_NAME.sub(_USUAL_NAME, data) if _is_xml(name) else data)
    stream.seek(0)
    return stream


def _any_strict(archive: zipfile.ZipFile) -> bool:
    main_parts = ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml")
    return any(_STRICT in archive.read(name)[:4096] for name in main_parts if name in archive.namelist())


def _is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels"))
