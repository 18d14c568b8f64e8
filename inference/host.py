"""Native engines in a child process that can be lost: started on demand, watched, killed, replaced.

A native crash, an `exit(1)` or a hang inside a model library takes the child along and not the site:
the replies under way raise EngineCrashed (or EngineTimeout, when nothing moved for too long) and the
next request gets a fresh child. Heavy libraries are imported there and only there.
"""

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from inference.errors import EngineCrashed, EngineError, EngineTimeout, EngineUnavailable, error_for
from inference.host_frames import Count, Counted, Event, Failed, FromChild, Ready, Start, Stop, ToChild
from inference.slots import Slots
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    ShouldStop,
    StreamEvent,
    never_stop,
)

SOURCE_ROOT: Final = Path(__file__).resolve().parents[1]
POLL_S: Final = 0.1  # how often a waiting reply looks at should_stop and at the clock
CLOSE_S: Final = 2.0

Arguments = Mapping[str, str | int | float]
Inbox = queue.SimpleQueue["Delta | Finish | int | EngineError"]

logger = logging.getLogger(__name__)


class EngineHost:
    """One runtime in one child process, with several replies over one pipe."""

    def __init__(
        self,
        runtime: str,
        arguments: Arguments,
        *,
        slots: int,
        hang_after_s: float = 30.0,
        load_within_s: float = 600.0,
    ) -> None:
        """runtime: dotted path of a class like `inference.host_frames.Runtime`; arguments: its keywords.

        hang_after_s: without any finished step for so long, while a reply is wanted, the child is killed.
        """
        self._runtime = runtime
        self._arguments = dict(arguments)
        self._hang_after_s = hang_after_s
        self._load_within_s = load_within_s
        self._places = Slots(slots)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id of a living child."""
        child = self._child
        return child.pid if child and child.is_alive else None

    @property
    def is_loaded(self) -> bool:
        """Whether a reply could start at once."""
        child = self._child
        return child is not None and child.is_alive and child.is_ready.is_set()

    def load(self) -> None:
        """Start the child and wait until its runtime is loaded. Raises: EngineError."""
        self._loaded_child(never_stop)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the child's tokenizer. Raises: EngineError."""
        child = self._loaded_child(never_stop)
        assert child is not None
        with child.inbox() as (stream, inbox):
            child.send(Count(stream, tuple(messages)))
            while True:
                answer = self._next(child, inbox)
                if isinstance(answer, int):
                    return answer

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write a reply in the child; see `inference.engines.base.Engine.stream`."""
        with self._places.held(should_stop) as is_held:
            child = self._loaded_child(should_stop) if is_held else None
            if child is None:
                yield Finish(FinishReason.CANCELLED)
                return
            yield from self._follow(child, request, should_stop)

    def close(self) -> None:
        """End the child; the next request starts another one."""
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()

    def _follow(
        self, child: "_Child", request: GenerationRequest, should_stop: ShouldStop
    ) -> Iterator[StreamEvent]:
        with child.inbox() as (stream, inbox):
            child.send(Start(stream, request))
            is_stopped = False
            try:
                while True:
                    if not is_stopped and should_stop():
                        is_stopped = True
                        child.send(Stop(stream))
                    match self._next(child, inbox):
                        case Finish() as finish:
                            stream = 0
                            yield Finish(FinishReason.CANCELLED, finish.usage) if is_stopped else finish
                            return
                        case Delta() as delta if not is_stopped:
                            yield delta
            finally:
                if stream:  # closed by the reader, or failed
                    child.send(Stop(stream))

    def _next(self, child: "_Child", inbox: Inbox) -> Delta | Finish | int | None:
        """Wait a moment for what comes next. Raises: EngineError, also when the child hangs."""
        try:
            answer = inbox.get(timeout=POLL_S)
        except queue.Empty:
            if child.is_alive and child.quiet_s > self._hang_after_s:
                child.kill(EngineTimeout.code, f"no step finished for {self._hang_after_s:g} s")
            return None
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def _loaded_child(self, should_stop: ShouldStop) -> "_Child | None":
        """Give a child that is ready, or None once told to stop. Raises: EngineError."""
        child = self._living_child()
        deadline = time.monotonic() + self._load_within_s
        while not child.is_ready.wait(POLL_S):
            if should_stop():
                return None
            if time.monotonic() > deadline:
                child.kill(EngineTimeout.code, f"not loaded within {self._load_within_s:g} s")
            child.raise_if_dead()
        return child

    def _living_child(self) -> "_Child":
        with self._lock:
            if self._child is None or not self._child.is_alive:
                if self._child:
                    self._child.close()
                self._child = _Child(self._runtime, self._arguments)
            return self._child


class _Child:
    """One child process and the thread that reads its pipe."""

    def __init__(self, runtime: str, arguments: Arguments) -> None:
        self.is_ready = threading.Event()
        self.is_alive = True
        self._death = (EngineCrashed.code, "")
        self._lock = threading.Lock()
        self._sending = threading.Lock()
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
        self._reader = threading.Thread(target=self._read, name="engine-host", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def quiet_s(self) -> float:
        """Seconds since the child was last heard of, or last given something to do."""
        return time.monotonic() - self._heard_at

    @contextmanager
    def inbox(self) -> Iterator[tuple[int, Inbox]]:
        """Open a numbered inbox for one reply or question."""
        with self._lock:
            stream, inbox = next(self._numbers), Inbox()
            if not self._inboxes:
                self._heard_at = time.monotonic()
            self._inboxes[stream] = inbox
            if not self.is_alive:
                inbox.put(self._error())
        try:
            yield stream, inbox
        finally:
            with self._lock:
                self._inboxes.pop(stream, None)

    def send(self, frame: ToChild) -> None:
        """Send a frame; where the child is gone, its inboxes say so."""
        with self._sending:
            if not self.is_alive:
                return
            try:
                self._pipe.send(frame)
            except OSError:
                logger.warning("the engine's process %d is gone", self.pid)

    def kill(self, code: str, detail: str) -> None:
        """End a child that does not behave; `code` is what its replies raise."""
        if self._process.poll() is None:
            logger.error("killing the engine's process %d: %s", self.pid, detail)
            self._death = (code, detail)
            self._process.kill()

    def raise_if_dead(self) -> None:
        if not self.is_alive:
            raise self._error()

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
        with self._sending, self._lock:
            self.is_alive = False
            self._death = (self._death[0], self._death[1] or f"the engine's process ended with {status}")
            for inbox in self._inboxes.values():
                inbox.put(self._error())
            self._pipe.close()
            os.close(self._lifeline)

    def _take(self, frame: FromChild) -> None:
        match frame:
            case Ready():
                self.is_ready.set()
            case Failed(0, code, detail):
                self._death = (code, detail)
            case Failed(stream, code, detail):
                self._deliver(stream, error_for(code, detail))
            case Event(stream, event):
                self._deliver(stream, event)
            case Counted(stream, tokens):
                self._deliver(stream, tokens)

    def _deliver(self, stream: int, item: Delta | Finish | int | EngineError) -> None:
        with self._lock:
            if inbox := self._inboxes.get(stream):
                inbox.put(item)

    def _error(self) -> EngineError:
        return error_for(*self._death)


def _environment() -> dict[str, str]:
    paths = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ORT_DISABLE_TELEMETRY": "1"}
