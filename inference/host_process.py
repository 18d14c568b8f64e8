"""One child process of a native engine as the parent holds it: its pipe, its inboxes, its end."""

import itertools
import json
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from inference.errors import EngineCrashed, EngineError, EngineUnavailable, error_for
from inference.host_frames import Counted, Event, Failed, FromChild, Ready, ToChild
from inference.types import Delta, Finish

SOURCE_ROOT: Final = Path(__file__).resolve().parents[1]
CLOSE_S: Final = 2.0
HUGE_PAGES: Final = "glibc.malloc.hugetlb=1"  # weights are read whole for every token: 5 % faster

Arguments = Mapping[str, str | int | float]
Item = Delta | Finish | int | EngineError

logger = logging.getLogger(__name__)


class Inbox(queue.SimpleQueue[Item]):
    """What came for one reply or question, by number."""

    def __init__(self, stream: int) -> None:
        super().__init__()
        self.stream = stream
        self.opened_at = time.monotonic()


class ChildProcess:
    """One child process, and the threads that read its pipe and write to it.

    Frames with pictures are larger than a pipe holds, so writing one waits for the child, however long it
    is stuck. A thread of its own waits, and those who want replies go on looking at the clock.
    """

    def __init__(
        self, runtime: str, arguments: Arguments, on_death: Callable[["ChildProcess"], None]
    ) -> None:
        """on_death: called once, from the thread that reads the pipe."""
        self._on_death = on_death
        self.is_ready = threading.Event()
        self.is_alive = True
        self.slots = 0
        self._death = (EngineCrashed.code, "")
        self._is_killed = False
        self._lock = threading.Lock()
        self._outgoing: queue.SimpleQueue[ToChild | None] = queue.SimpleQueue()
        self._inboxes: dict[int, Inbox] = {}
        self._numbers = itertools.count(1)
        self._heard_at = time.monotonic()
        ours, theirs = socket.socketpair()
        far_end, self._lifeline = os.pipe()
        command = [sys.executable, "-m", "inference.host_child"]
        command += [str(theirs.fileno()), str(far_end), runtime, json.dumps(dict(arguments))]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                env=_environment(),
                pass_fds=(theirs.fileno(), far_end),
                stdin=subprocess.DEVNULL,
                stdout=2,  # the site's standard output may be somebody's JSON
            )
        except OSError as exc:
            ours.close()
            os.close(self._lifeline)
            raise EngineUnavailable(f"the engine's process could not be started: {exc}") from exc
        finally:
            theirs.close()
            os.close(far_end)
        self._pipe: Connection[ToChild, FromChild] = Connection(ours.detach())
        self._writer = threading.Thread(target=self._write, name="engine-host-out", daemon=True)
        self._writer.start()
        self._reader = threading.Thread(target=self._read, name="engine-host", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def failure(self) -> EngineError:
        """What its replies raise once it is dead."""
        return error_for(*self._death)

    def quiet_s(self, inbox: Inbox) -> float:
        """Seconds since the child was last heard of, counted from when it was asked at the earliest."""
        return time.monotonic() - max(self._heard_at, inbox.opened_at)

    @contextmanager
    def inbox(self) -> Iterator[Inbox]:
        """Open a numbered inbox for one reply or question."""
        with self._lock:
            inbox = Inbox(next(self._numbers))
            self._inboxes[inbox.stream] = inbox
            if not self.is_alive:
                inbox.put(self.failure)
        try:
            yield inbox
        finally:
            with self._lock:
                self._inboxes.pop(inbox.stream, None)

    def send(self, frame: ToChild) -> None:
        """Send a frame, without waiting; where the child is gone, its inboxes say so."""
        self._outgoing.put(frame)

    def kill(self, code: str, detail: str) -> None:
        """End a child that does not behave; `code` is what its replies raise."""
        with self._lock:  # every reply that waits finds the same
            is_first, self._is_killed = not self._is_killed, True
        if is_first and self._process.poll() is None:
            logger.error("killing the engine's process %d: %s", self.pid, detail)
            self._death = (code, detail)
            self._process.kill()

    def raise_if_dead(self) -> None:
        if not self.is_alive:
            raise self.failure

    def close(self) -> None:
        """End it without an error, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(CLOSE_S)
        self._reader.join(CLOSE_S)

    def _read(self) -> None:
        while True:
            try:
                frame = self._pipe.recv()
            except (EOFError, OSError):
                break
            self._heard_at = time.monotonic()
            self._take(frame)
        status = self._process.wait()
        self._outgoing.put(None)
        self._writer.join()
        with self._lock:
            self.is_alive = False
            self._death = (self._death[0], self._death[1] or f"the engine's process ended with {status}")
            for inbox in self._inboxes.values():
                inbox.put(self.failure)
            self._pipe.close()
            os.close(self._lifeline)
        self._on_death(self)

    def _write(self) -> None:
        while (frame := self._outgoing.get()) is not None:
            try:
                self._pipe.send(frame)
            except OSError:
                logger.warning("the engine's process %d is gone", self.pid)
                return  # the reader's thread sees the end as well, and tells who waits

    def _take(self, frame: FromChild) -> None:
        match frame:
            case Ready(slots):
                self.slots = slots
                self.is_ready.set()
            case Failed(0, code, detail):
                self._death = (code, detail)
            case Failed(stream, code, detail):
                self._deliver(stream, error_for(code, detail))
            case Event(stream, event):
                self._deliver(stream, event)
            case Counted(stream, tokens):
                self._deliver(stream, tokens)

    def _deliver(self, stream: int, item: Item) -> None:
        with self._lock:
            if inbox := self._inboxes.get(stream):
                inbox.put(item)


def _environment() -> dict[str, str]:
    """Set what has to be set before the child's first line; what the administrator set goes on top."""
    paths = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    tunables = [HUGE_PAGES, *filter(None, [os.environ.get("GLIBC_TUNABLES")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "ORT_DISABLE_TELEMETRY": "1",
        "GLIBC_TUNABLES": ":".join(tunables),
    }
