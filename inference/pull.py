"""Fetching an ONNX model folder from the hub: whole, verified, or not at all.

Files grow beside the target in `.NAME.pull/`, each with the ending `.part`, so that nothing there looks
like a model. When every file is as the hub says they get their names, and the folder its place by one
rename. What was fetched before an interruption is not fetched again.
"""

import errno
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.filelock import locked
from inference.hub import Hub, HubFile, HubFolder
from inference.manifest import BLOCK_BYTES, SourceNote, read_source, sha256_of, write_manifest, write_source
from inference.pull_errors import (
    ChecksumMismatch,
    DiskFull,
    PullInterrupted,
    PullStopped,
    SourceUnreachable,
    TargetTaken,
)
from inference.types import ShouldStop, never_stop

ONNX_MARKER: Final = "genai_config.json"
MARGIN_BYTES: Final = 256 * 1024 * 1024  # left free for the site: databases must not stop for a model
LOOK_EVERY_BYTES: Final = 1024 * 1024
ATTEMPTS: Final = 4  # in a row without one more byte
PAUSE_S: Final = 1.0
TELL_EVERY_S: Final = 0.2
GIVEN_UP: Final = "Run the same command again: it goes on from there."

FreeBytes = Callable[[Path], int]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is. file: what is being fetched, or what is done with it ("verifying x")."""

    file: str
    done_bytes: int
    total_bytes: int


OnProgress = Callable[[Progress], None]


def say_nothing(_progress: Progress) -> None:
    """The default for `on_progress`."""


def free_bytes(folder: Path) -> int:
    """Tell how much room there is where a folder lies."""
    return shutil.disk_usage(folder).free


class FolderPull:
    """One folder of one repository on its way to one target."""

    def __init__(
        self,
        hub: Hub,
        target: Path,
        *,
        on_progress: OnProgress = say_nothing,
        should_stop: ShouldStop = never_stop,
        free: FreeBytes = free_bytes,
        pause_s: float = PAUSE_S,
    ) -> None:
        """target: the folder to be made. free: how much room there is. pause_s: before another attempt."""
        self._hub = hub
        self._target = target
        self._parts = target.with_name(f".{target.name}.pull")
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._free = free
        self._pause_s = pause_s
        self._done = self._total = self._looked_at = 0
        self._told_at = 0.0

    def run(self, repo: str, path: str, model_id: str, marker: str = ONNX_MARKER, revision: str = "") -> bool:
        """Fetch the folder that holds the file `marker`; False where it is there already.

        revision: a branch or reference of the repository; "" = its main branch.

        Raises: PullError, OSError.
        """
        self._target.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._target.with_name(f".{self._target.name}.lock")):
            if self._is_there():
                return False
            folder = self._hub.folder(repo, path, marker, revision)
            self._prepare(folder)
            try:
                digests = {file.name: self._fetch(folder, file) for file in folder.files}
                self._finish(folder, digests, model_id, marker)
            except OSError as exc:
                if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise self._disk_full(self._total - self._done) from exc
                raise
            return True

    def _is_there(self) -> bool:
        if not self._target.exists():
            return False
        if read_source(self._target) is not None:
            return True
        if self._target.is_dir() and not any(self._target.iterdir()):
            self._target.rmdir()
            return False
        raise TargetTaken(
            f"{self._target} is there and was not made by a pull. "
            "Move it away, or give another place with --to."
        )

    def _prepare(self, folder: HubFolder) -> None:
        """Count what is there of this revision's files, drop other parts, look at the disk."""
        self._parts.mkdir(exist_ok=True)
        wanted = {self._part(file): file for file in folder.files}
        for part, file in wanted.items():  # named already when the last run ended
            if not part.exists() and (self._parts / file.name).is_file():
                (self._parts / file.name).rename(part)
        for part in [one for one in self._parts.rglob("*") if one.is_file()]:
            if part not in wanted or part.stat().st_size > wanted[part].size_bytes:
                part.unlink()
        self._done = sum(part.stat().st_size for part in wanted if part.exists())
        self._total = folder.size_bytes
        self._look_at_disk()

    def _part(self, file: HubFile) -> Path:
        """Name the part by its content, so that a part of another revision is never gone on with."""
        return self._parts / f"{file.name}.{(file.sha256 or file.blob or 'unknown')[:12]}.part"

    def _fetch(self, folder: HubFolder, file: HubFile) -> str:
        """Fetch what is missing of a file and verify all of it; return its sha256."""
        part = self._part(file)
        part.parent.mkdir(parents=True, exist_ok=True)
        attempts = 0
        while (size := part.stat().st_size if part.exists() else -1) < file.size_bytes:
            try:
                self._append(folder, file, part)
            except PullStopped:
                raise
            except (PullInterrupted, SourceUnreachable) as exc:
                grown = part.stat().st_size if part.exists() else -1
                attempts = 0 if grown > max(0, size) else attempts + 1
                if attempts >= ATTEMPTS:
                    raise self._interrupted(str(exc)) from exc
                logger.info("%s Going on from byte %s.", exc, max(0, grown))
                time.sleep(self._pause_s)
        self._tell(f"verifying {file.name}", at_once=True)
        return self._verified(file, part)

    def _append(self, folder: HubFolder, file: HubFile, part: Path) -> None:
        start = part.stat().st_size if part.exists() else 0
        with ExitStack() as stack:
            opened = stack.enter_context(part.open("ab"))
            for at, piece in stack.enter_context(closing(self._hub.pieces(folder, file, start))):
                if at != opened.tell():  # a server without ranges began again
                    self._done -= opened.tell() - at
                    opened.truncate(at)
                    opened.seek(at)
                opened.write(piece[: file.size_bytes - at])
                self._advance(file, len(piece))
            opened.flush()
            os.fsync(opened.fileno())
        if part.stat().st_size < file.size_bytes:
            raise PullInterrupted(f"The download of {file.name} ended early.")

    def _advance(self, file: HubFile, count: int) -> None:
        self._done += count
        if self._should_stop():
            raise PullStopped(f"Stopped; {self._share()} are here. {GIVEN_UP}")
        if self._done - self._looked_at >= LOOK_EVERY_BYTES:
            self._look_at_disk()
        self._tell(file.name)

    def _look_at_disk(self) -> None:
        self._looked_at = self._done
        missing = self._total - self._done
        if missing and self._free(self._parts) < missing + MARGIN_BYTES:
            raise self._disk_full(missing)

    def _verified(self, file: HubFile, part: Path) -> str:
        digest = sha256_of(part)
        is_right = digest == file.sha256 if file.sha256 else not file.blob or _git_blob(part) == file.blob
        if not is_right:
            self._done -= part.stat().st_size
            part.unlink()
            raise ChecksumMismatch(
                f"{file.name} came through damaged: its checksum is not the hub’s. It was removed; "
                "run the same command again to fetch it once more."
            )
        return digest

    def _finish(self, folder: HubFolder, digests: dict[str, str], model_id: str, marker: str) -> None:
        """Give the files their names, the marker last, and the folder its place."""
        for file in sorted(folder.files, key=lambda one: one.name == marker):
            self._part(file).rename(self._parts / file.name)
        write_manifest(self._parts, digests)
        write_source(self._parts, SourceNote(model_id, folder.repo, folder.path, folder.revision))
        self._parts.rename(self._target)

    def _tell(self, what: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._on_progress(Progress(what, self._done, self._total))

    def _interrupted(self, why: str) -> PullInterrupted:
        return PullInterrupted(f"{why} {self._share()} are here. {GIVEN_UP}")

    def _share(self) -> str:
        return f"{self._done / self._total if self._total else 0.0:.0%}"

    def _disk_full(self, missing: int) -> DiskFull:
        free = self._free(self._parts)
        return DiskFull(
            f"Not enough room in {self._target.parent}: {_gb(missing)} are still to come and "
            f"{_gb(MARGIN_BYTES)} should stay free, but there are {_gb(free)}. "
            "Make room, or give another place with --to."
        )


def _git_blob(file: Path) -> str:
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as read:
        while block := read.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
