"""Native engines in a child process that can be lost: started on demand, watched, killed, replaced.

A native crash, an `exit(1)` or a hang inside a model library takes the child along and not the site:
the replies under way raise EngineCrashed (or EngineTimeout, when nothing moved for too long) and the
next request gets a fresh child. Heavy libraries are imported there and only there.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from inference.errors import EngineError, EngineTimeout
from inference.host_frames import Count, Start, Stop
from inference.host_process import Arguments, ChildProcess, Inbox
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

POLL_S: Final = 0.1  # how often a waiting reply looks at should_stop and at the clock


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
        self._child: ChildProcess | None = None

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

    @property
    def is_loading(self) -> bool:
        """Whether a child is on its way to its first reply."""
        child = self._child
        return child is not None and child.is_alive and not child.is_ready.is_set()

    @property
    def load_failure(self) -> EngineError | None:
        """Why the last child never got ready; None where it did, or none was started since `close`."""
        child = self._child
        return None if child is None or child.is_alive or child.is_ready.is_set() else child.failure

    @property
    def slots(self) -> int:
        """How many replies the loaded runtime writes at once; 0 = not loaded, or as many as asked."""
        child = self._child
        return child.slots if child else 0

    def load(self) -> None:
        """Start the child and wait until its runtime is loaded. Raises: EngineError."""
        self._loaded_child(never_stop)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the child's tokenizer. Raises: EngineError."""
        child = self._loaded_child(never_stop)
        assert child is not None
        with child.inbox() as inbox:
            child.send(Count(inbox.stream, tuple(messages)))
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
        self, child: ChildProcess, request: GenerationRequest, should_stop: ShouldStop
    ) -> Iterator[StreamEvent]:
        with child.inbox() as inbox:
            child.send(Start(inbox.stream, request))
            is_stopped = is_finished = False
            try:
                while True:
                    if not is_stopped and should_stop():
                        is_stopped = True
                        child.send(Stop(inbox.stream))
                    match self._next(child, inbox):
                        case Finish() as finish:
                            is_finished = True
                            yield Finish(FinishReason.CANCELLED, finish.usage) if is_stopped else finish
                            return
                        case Delta() as delta if not is_stopped:
                            yield delta
            finally:
                if not is_finished:  # closed by the reader, or failed
                    child.send(Stop(inbox.stream))

    def _next(self, child: ChildProcess, inbox: Inbox) -> Delta | Finish | int | None:
        """Wait a moment for what comes next. Raises: EngineError, also when the child hangs."""
        try:
            answer = inbox.get(timeout=POLL_S)
        except queue.Empty:
            if child.is_alive and child.quiet_s(inbox) > self._hang_after_s:
                child.kill(EngineTimeout.code, f"no step finished for {self._hang_after_s:g} s")
            return None
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def _loaded_child(self, should_stop: ShouldStop) -> ChildProcess | None:
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

    def _living_child(self) -> ChildProcess:
        with self._lock:
            if self._child is None or not self._child.is_alive:
                self._child = self._new_child()
            return self._child

    def _new_child(self) -> ChildProcess:
        return ChildProcess(self._runtime, self._arguments, self._replace)

    def _replace(self, dead: ChildProcess) -> None:
        """Start another child at once for one that died; not for one that never got ready."""
        with self._lock:
            if self._child is dead and dead.is_ready.is_set():
                self._child = self._new_child()
