"""Check a ZIP container from its directory, before anything in it is unpacked."""

from __future__ import annotations

import stat
import zipfile
from pathlib import PurePosixPath
from typing import BinaryIO

from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_RATIO = 100
MAX_ENTRIES = 2000
MAX_DEPTH = 3  # a file in a ZIP in a ZIP in the upload
_SMALL_BYTES = 1024 * 1024  # tiny files of blanks pack well without harm


class Room:
    """What all files inside one upload share, however they are nested."""

    def __init__(self) -> None:
        self._entries = MAX_ENTRIES
        self._bytes = MAX_UNPACKED_BYTES

    def take(self, entries: int, size_bytes: int) -> None:
        """Count files that are about to be unpacked.

        Raises: Refused (archive_bomb).
        """
        self._entries -= entries
        self._bytes -= size_bytes
        if self._entries < 0 or self._bytes < 0:
            raise Refused(FailureCode.ARCHIVE_BOMB, "too much inside, all levels together")


def check_archive(file: BinaryIO, size_bytes: int) -> frozenset[str]:
    """Return the names in a ZIP container that is safe to unpack.

    Python's zipfile reads no more of an entry than the directory says, so the sums here hold.
    Raises: Refused (corrupt, encrypted, archive_bomb).
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as exc:
        raise Refused(FailureCode.CORRUPT, f"not a readable ZIP: {exc}") from exc
    if len(entries) > MAX_ENTRIES:
        raise Refused(FailureCode.ARCHIVE_BOMB, f"{len(entries)} entries")
    for entry in entries:
        _check_entry(entry)
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > _SMALL_BYTES and unpacked > MAX_RATIO * size_bytes):
        raise Refused(FailureCode.ARCHIVE_BOMB, f"{unpacked} bytes in {size_bytes}")
    names = frozenset(entry.filename for entry in entries)
    if packed > size_bytes or len(names) != len(entries):
        raise Refused(FailureCode.ARCHIVE_BOMB, "entries overlap or share a name")
    return names


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise Refused(FailureCode.ENCRYPTED, entry.filename[:100])
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename[:3]:
        raise Refused(FailureCode.ARCHIVE_BOMB, f"unsafe name {entry.filename[:100]!r}")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused(FailureCode.ARCHIVE_BOMB, "a symbolic link")
