"""Look at a folder on the server, under one that the operator allows. Links are never followed.

The walk goes from one opened directory to the next (`os.fwalk`), so a directory that is exchanged for a link
meanwhile leads nowhere.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings

from knowledge.extract.formats import SUFFIXES, suffix_of
from knowledge.models import Source
from knowledge.sources.connecting import ShouldStop
from knowledge.sources.errors import (
    FileUnreadable,
    FolderEmpty,
    FolderMissing,
    FolderNotAllowed,
    FoldersOff,
    LinkedFile,
    OverLimit,
    RunStopped,
    SourceError,
    TooBig,
    TypeNotRead,
)
from knowledge.sources.findings import Content, Finding, Kind, Memory, Tally

MOST_FILES = 100_000
MOST_TOLD = 200
MOST_LEVELS = 32
LONGEST_PATH = 1000
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that may be read: where it is below the folder, and what tells a change without opening it."""

    path: str
    size_bytes: int
    mtime_ns: int


def allowed_folders() -> list[Path]:
    """Return the folders that the operator allows."""
    return [Path(text).resolve() for text in settings.SOURCE_FOLDERS]


def folder_of(text: str) -> Path:
    """Return a source's folder with its links resolved.

    Raises: FoldersOff, FolderNotAllowed, FolderMissing.
    """
    roots = allowed_folders()
    if not roots:
        raise FoldersOff()
    if "\0" in text or not text.startswith("/"):
        raise FolderNotAllowed(text)
    folder = Path(text).resolve()
    if not any(folder.is_relative_to(root) for root in roots):
        raise FolderNotAllowed(text)
    if not folder.is_dir():
        raise FolderMissing(text)
    return folder


def look(source: Source, memory: Memory, tally: Tally, should_stop: ShouldStop) -> Iterator[Finding]:
    """Read what is new or changed, and tell of each file what became of it. Raises: SourceError."""
    folder = folder_of(source.address)
    listing = _Listing(folder, should_stop)
    files = listing.files()
    holding = set(memory.holding())
    if not files and holding:
        raise FolderEmpty(str(folder))
    chosen = sorted(files, key=lambda file: (file.path not in holding, file.path))
    tally.found = len(files) + len(listing.refused)
    for file in chosen[: source.page_limit]:
        if should_stop():
            raise RunStopped()
        yield from _look_at(folder, file, memory)
        tally.looked_at += 1
    for file in chosen[source.page_limit : source.page_limit + MOST_TOLD]:
        yield Finding(Kind.LEFT_OUT, file.path, why=OverLimit())
    for path, why in islice(listing.refused.items(), MOST_TOLD):
        yield Finding(Kind.LEFT_OUT, path, why=why)
    there = {file.path for file in files} | listing.refused.keys()
    for path in sorted(holding - there):
        yield Finding(Kind.GONE, path)
    tally.looked_at = tally.found
    tally.is_complete = not listing.was_cut


class _Listing:
    """What a folder holds. refused: what is not read, and why; was_cut: not all of it was seen."""

    def __init__(self, folder: Path, should_stop: ShouldStop) -> None:
        self.refused: dict[str, SourceError] = {}
        self.was_cut = False
        self._folder = folder
        self._should_stop = should_stop
        self._files: list[Listed] = []

    def files(self) -> list[Listed]:
        """Walk the folder once. Raises: RunStopped."""
        for at, directories, names, descriptor in os.fwalk(
            self._folder, onerror=self._unreadable, follow_symlinks=False
        ):
            if self._should_stop():
                raise RunStopped()
            below = os.path.relpath(at, self._folder)
            prefix = "" if below == "." else f"{below}/"
            self._enter(prefix, directories, descriptor)
            for name in sorted(names):
                self._take(prefix, name, descriptor)
            if len(self._files) >= MOST_FILES:
                self.was_cut = True
                break
        return self._files

    def _unreadable(self, error: OSError) -> None:
        """A directory that cannot be read hides its files: none of them may count as gone."""
        self.was_cut = True
        path = os.path.relpath(str(error.filename), self._folder)
        self.refused[_printable(path)] = FileUnreadable(str(error))

    def _enter(self, prefix: str, directories: list[str], descriptor: int) -> None:
        """Choose the directories to walk into: none that is hidden, none that is a link."""
        is_deep = prefix.count("/") >= MOST_LEVELS
        kept = []
        for name in sorted(directories):
            if name.startswith("."):
                continue
            if stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                self.refused[_printable(prefix + name)] = LinkedFile()
            elif is_deep:
                self.was_cut = True
            else:
                kept.append(name)
        directories[:] = kept

    def _take(self, prefix: str, name: str, descriptor: int) -> None:
        path = prefix + name
        if name.startswith(".") or name.startswith("~$"):
            return
        try:
            about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:  # gone since the directory was listed
            return
        if stat.S_ISLNK(about.st_mode):
            self.refused[_printable(path)] = LinkedFile()
        elif not stat.S_ISREG(about.st_mode) or suffix_of(name) not in SUFFIXES:
            self.refused[_printable(path)] = TypeNotRead()
        elif path != _printable(path) or len(path) > LONGEST_PATH:
            self.refused[_printable(path)] = FileUnreadable()
        else:
            self._files.append(Listed(path, about.st_size, about.st_mtime_ns))


def _printable(path: str) -> str:
    """Return a path as it can be kept; names in no encoding at all have their odd bytes written out."""
    return path.encode("utf-8", "backslashreplace").decode().replace("\0", "")[:LONGEST_PATH]


def _look_at(folder: Path, file: Listed, memory: Memory) -> Iterator[Finding]:
    entry = memory.entry(file.path)
    is_same = (
        entry is not None
        and entry.document_id is not None
        and (entry.size_bytes, entry.mtime_ns) == (file.size_bytes, file.mtime_ns)
    )
    if is_same:
        yield Finding(Kind.SAME, file.path)
        return
    if file.size_bytes > settings.MAX_UPLOAD_MB * 1024 * 1024:
        yield Finding(Kind.LEFT_OUT, file.path, why=TooBig(file.path, {"limit": str(settings.MAX_UPLOAD_MB)}))
        return
    try:
        descriptor = _open(folder, file.path)
    except OSError as exc:
        yield Finding(Kind.LEFT_OUT, file.path, why=FileUnreadable(str(exc)))
        return
    with os.fdopen(descriptor, "rb") as opened:
        about = os.fstat(opened.fileno())
        digest = hashlib.sha256()
        while block := opened.read(_BLOCK):
            digest.update(block)
        opened.seek(0)
        content = Content(
            name=file.path.rpartition("/")[2],
            file=opened,
            digest=digest.hexdigest(),
            size_bytes=about.st_size,
            mtime_ns=about.st_mtime_ns,
        )
        yield Finding(Kind.CONTENT, file.path, content=content)


def _open(folder: Path, path: str) -> int:
    """Open a file step by step from the folder, refusing links at each. Raises: OSError."""
    *directories, name = path.split("/")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in directories:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        # without waiting: a pipe put in a file's place would never answer
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(OSError):
            os.close(descriptor)
        raise OSError(f"{path} is no file")
    return descriptor
