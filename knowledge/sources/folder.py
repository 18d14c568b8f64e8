"""Look at a folder on the server, under one that the operator allows. Links are never followed.

The folder is opened once, step by step from the allowed one, and the walk goes from one opened directory to
the next (`os.fwalk`), so whatever is exchanged for a link meanwhile leads nowhere.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings

from knowledge.extract.formats import SUFFIXES, suffix_of
from knowledge.models import Source
from knowledge.sources.connecting import ShouldStop
from knowledge.sources.errors import OverLimit, RunStopped, SourceError, TooBig, TypeNotRead
from knowledge.sources.findings import Content, Finding, Kind, Memory, Tally
from knowledge.sources.folder_errors import (
    FileUnreadable,
    FolderEmpty,
    FolderMissing,
    FolderNotAllowed,
    FoldersOff,
    FolderUnreadable,
    LinkedFile,
    OddName,
)

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

    Raises: FoldersOff, FolderNotAllowed, FolderMissing, FolderUnreadable.
    """
    root, folder = _allowed(text)
    os.close(_open_folder(root, folder))
    return folder


def _allowed(text: str) -> tuple[Path, Path]:
    """Return the allowed folder that a folder is in, and the folder itself, its links resolved."""
    roots = allowed_folders()
    if not roots:
        raise FoldersOff()
    if "\0" in text or not text.startswith("/"):
        raise FolderNotAllowed(text)
    try:
        folder = Path(text).resolve()
    except (OSError, RuntimeError) as exc:  # links that lead in a circle
        raise FolderMissing(str(exc)) from exc
    root = next((root for root in roots if folder.is_relative_to(root)), None)
    if root is None:
        raise FolderNotAllowed(text)
    return root, folder


def _open_folder(root: Path, folder: Path) -> int:
    """Open what `_allowed` returned; a link between the two was put there since. Raises: as folder_of."""
    try:
        return _step_down(os.open(root, os.O_RDONLY | os.O_DIRECTORY), folder.relative_to(root).parts)
    except PermissionError as exc:
        raise FolderUnreadable(str(exc)) from exc
    except OSError as exc:
        raise FolderMissing(str(exc)) from exc


def _step_down(at: int, parts: Sequence[str]) -> int:
    """Go from an opened directory, which is closed, to one below it, over no link. Raises: OSError."""
    for part in parts:
        try:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def look(source: Source, memory: Memory, tally: Tally, should_stop: ShouldStop) -> Iterator[Finding]:
    """Read what is new or changed, and tell of each file what became of it. Raises: SourceError."""
    folder = _open_folder(*_allowed(source.address))
    try:
        yield from _look(folder, source, memory, tally, should_stop)
    finally:
        os.close(folder)


def _look(
    folder: int, source: Source, memory: Memory, tally: Tally, should_stop: ShouldStop
) -> Iterator[Finding]:
    listing = _Listing(folder, should_stop)
    files = listing.files()
    holding = set(memory.holding())
    if not files and holding:
        raise FolderEmpty(source.address)
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

    def __init__(self, folder: int, should_stop: ShouldStop) -> None:
        self.refused: dict[str, SourceError] = {}
        self.was_cut = False
        self._folder = folder
        self._should_stop = should_stop
        self._files: list[Listed] = []

    def files(self) -> list[Listed]:
        """Walk the folder once. Raises: RunStopped."""
        for at, directories, names, descriptor in os.fwalk(
            ".", onerror=self._unreadable, follow_symlinks=False, dir_fd=self._folder
        ):
            if self._should_stop():
                raise RunStopped()
            below = os.path.normpath(at)
            prefix = "" if below == "." else f"{below}/"
            self._enter(prefix, directories, descriptor)
            for name in sorted(names):
                self._take(prefix, name, descriptor)
            if len(self._files) >= MOST_FILES:
                self.was_cut = True
                break
        return self._files

    def _unreadable(self, _error: OSError) -> None:
        """A directory that cannot be read hides its files: none of them may count as gone."""
        self.was_cut = True

    def _enter(self, prefix: str, directories: list[str], descriptor: int) -> None:
        """Choose the directories to walk into: none that is hidden, none that is a link."""
        is_deep = prefix.count("/") >= MOST_LEVELS
        kept = []
        for name in sorted(directories):
            if name.startswith("."):
                continue
            try:
                is_link = stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
            except FileNotFoundError:  # gone since its parent was listed
                continue
            if is_link:
                self.refused[_printable(prefix + name)] = LinkedFile()
            elif is_deep:
                self.was_cut = True
            elif not os.access(name, os.R_OK | os.X_OK, dir_fd=descriptor):
                self.was_cut = True
                self.refused[_printable(prefix + name)] = FolderUnreadable()
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
            self.refused[_printable(path)] = OddName()
        else:
            self._files.append(Listed(path, about.st_size, about.st_mtime_ns))


def _printable(path: str) -> str:
    """Return a path as it can be kept; names in no encoding at all have their odd bytes written out."""
    return path.encode("utf-8", "backslashreplace").decode().replace("\0", "")[:LONGEST_PATH]


def _look_at(folder: int, file: Listed, memory: Memory) -> Iterator[Finding]:
    entry = memory.entry(file.path)
    is_same = (
        entry is not None
        and entry.document_id is not None
        and (entry.size_bytes, entry.mtime_ns) == (file.size_bytes, file.mtime_ns)
    )
    if is_same:
        yield Finding(Kind.SAME, file.path)
        return
    most_bytes = settings.MAX_UPLOAD_MB * 1024 * 1024
    too_big = TooBig(file.path, {"limit": str(settings.MAX_UPLOAD_MB)})
    if file.size_bytes > most_bytes:
        yield Finding(Kind.LEFT_OUT, file.path, why=too_big)
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
            if opened.tell() > most_bytes:  # it grows
                yield Finding(Kind.LEFT_OUT, file.path, why=too_big)
                return
        opened.seek(0)
        content = Content(
            name=file.path.rpartition("/")[2],
            file=opened,
            digest=digest.hexdigest(),
            size_bytes=about.st_size,
            mtime_ns=about.st_mtime_ns,
        )
        yield Finding(Kind.CONTENT, file.path, content=content)


def _open(folder: int, path: str) -> int:
    """Open a file step by step from the folder, refusing links at each. Raises: OSError."""
    *directories, name = path.split("/")
    at = _step_down(os.dup(folder), directories)
    try:
        # without waiting: a pipe put in a file's place would never answer
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(OSError):
            os.close(descriptor)
        raise OSError(f"{path} is no file")
    return descriptor
