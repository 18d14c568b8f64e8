"""The embedded site: everything in one process, one process on a data directory.

A lock file guards the directory. Whoever holds it may start the in-process Celery worker; the
site also listens on `serve.sock`, where commands that find the directory locked send themselves.
"""

import fcntl
import logging
import os
import threading
import time
from pathlib import Path
from types import TracebackType

from celery.app import app_or_default
from celery.worker import WorkController
from celery.worker import state as worker_state
from django.conf import settings

from jobs import queue, worker

logger = logging.getLogger(__name__)

SWEEP_S = 15.0
LETTING_GO_S = 2.0
# Threads are made only when they are used; engine slots, not this number, limit what runs.
THREADS = 96
QUEUES = ("inference", "ingestion", "background")


class DirectoryLocked(Exception):
    """Another process works on the data directory."""


class DirectoryLock:
    """Holds DATA_DIR/lock for as long as this process works on the directory."""

    def __init__(self, data_dir: Path) -> None:
        """Name the file; nothing is taken yet."""
        self.path = data_dir / "lock"
        self._fd: int | None = None

    def __enter__(self) -> "DirectoryLock":
        """Take the lock. Raises: DirectoryLocked."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(fd)
            raise DirectoryLocked(f"{self.path.parent} is used by another process") from exc
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class EmbeddedWorker:
    """A Celery worker on the in-memory broker, in threads of this process, and the sweeper beside it."""

    def __init__(self) -> None:
        """Prepare; nothing runs yet."""
        self._stopping = threading.Event()
        self._worker: WorkController | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start; what an earlier process left running is claimed again at once."""
        queue.release_all_leases()
        self._worker = WorkController(
            app=app_or_default(None),
            pool="threads",
            concurrency=THREADS,
            queues=list(QUEUES),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            hostname="embedded@localhost",
        )
        for target, name in ((self._work, "celery"), (self._sweep, "sweeper")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 8.0) -> None:
        """Claim nothing more and end; what still runs after the time-out goes on at the next start.

        Jobs that do not notice within LETTING_GO_S keep their thread, and with it the process.
        """
        worker.drain()
        self._stopping.set()
        worker_state.should_stop = 0  # type: ignore[assignment]
        self._join(timeout_s - LETTING_GO_S)
        if given_back := worker.give_back_all():
            logger.warning("%s jobs go on at the next start", given_back)
        self._join(LETTING_GO_S)

    def _join(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        assert self._worker is not None
        try:
            self._worker.start()
        except SystemExit:
            logger.debug("embedded worker ended")

    def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                worker.sweep()
            except Exception:  # the sweeper outlives a database that is away for a while
                logger.exception("sweep failed; trying again")
            self._stopping.wait(SWEEP_S)


def is_embedded() -> bool:
    """Say whether this site runs in one process."""
    return bool(settings.IS_EMBEDDED)
