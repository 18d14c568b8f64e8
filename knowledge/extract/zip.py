"""ZIP archives: every readable file inside, in the archive's order, under its path. Nothing touches the disk.

`sniff` checked the directory already (`archive.check_archive`): names, links, passwords, sizes.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.parts import Parts
from knowledge.extract.refusal import Refused
from knowledge.extract.types import ExtractedText, FailureCode

_LITTER = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
_UTF8_NAME = 0x800
_FAULTS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError)


def read(source: Source) -> ExtractedText:
    """Read what can be read of an archive; what cannot is named in a warning.

    Raises: Refused (empty_file, archive_bomb, too_large, corrupt; the reason all its files share; no_text).
    """
    parts = Parts(source)
    try:
        archive = zipfile.ZipFile(source.file)
    except _FAULTS as exc:
        raise Refused(FailureCode.CORRUPT, f"ZIP: {exc}") from exc
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry)]
        source.room.take(len(entries), sum(entry.file_size for entry in entries))
        for at, entry in enumerate(entries, start=1):
            _add(parts, archive, entry)
            source.progress(at, len(entries))
    if not parts.sections:
        raise _why_nothing(parts.refused)
    return ExtractedText(clean_line(source.stem), parts.sections, None, "zip", parts.warnings)


def _add(parts: Parts, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    name = _name(entry)
    try:
        data = archive.read(entry)
    except _FAULTS as exc:
        parts.leave_out(name, Refused(FailureCode.CORRUPT, f"can't be unpacked: {exc}"))
    else:
        parts.add(name, data)


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    """Tell what operating systems leave in archives: nobody wrote it, nobody misses it."""
    path = PurePosixPath(entry.filename)
    return path.name.startswith(".") or not _LITTER.isdisjoint(path.parts)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the path; many programs write UTF-8 without saying so."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _why_nothing(refused: Sequence[Refused]) -> Refused:
    """Return what kept every file from being read: a danger first, then the reason they all share."""
    if not refused:
        return Refused(FailureCode.EMPTY_FILE, "no files inside")
    dangers = [one for one in refused if one.code is FailureCode.ARCHIVE_BOMB]
    first = (dangers or refused)[0]
    if dangers or all((one.code, one.params) == (first.code, first.params) for one in refused):
        return Refused(first.code, first.detail, **first.params)
    return Refused(FailureCode.NO_TEXT, f"{len(refused)} files inside, none readable")
