"""The child process of a native engine: `python -m inference.host_child SOCKET LIFELINE RUNTIME ARGUMENTS`.

One thread reads the pipe, one thread writes each reply. It ends when its parent does: the pipe's end
is read as usual, and the lifeline's end makes the kernel end a process that is stuck in native code.
"""

import contextlib
import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Final

from inference.errors import EngineError, EngineUnavailable
from inference.host_frames import (
    Count,
    Counted,
    Event,
    Failed,
    FromChild,
    Ready,
    Runtime,
    Start,
    Step,
    Stop,
    ToChild,
)

NICENESS: Final = 5  # the site around the model must stay answerable
STEP_EVERY_S: Final = 0.5
OUT_OF_MEMORY: Final = (
    "bad_alloc",
    "bad allocation",
    "out of memory",
    "outofmemory",
    "failed to allocate memory",
    "cannot allocate memory",
    "can't allocate memory",
)
NO_ROOM: Final = (
    "not enough memory for the model: lower MODEL_ROWS, set MODEL_MEMORY_GB, or choose a smaller model"
)

logger = logging.getLogger(__name__)


class Child:
    """Runs requests of one pipe on one runtime."""

    def __init__(self, pipe: "Connection[FromChild, ToChild]", runtime: Runtime) -> None:
        self._pipe = pipe
        self._runtime = runtime
        self._stops: dict[int, threading.Event] = {}
        self._sending = threading.Lock()
        self._stepped_at = 0.0

    def serve(self) -> None:
        """Serve until the parent closes the pipe."""
        self.send(Ready(getattr(self._runtime, "slots", 0)))
        while True:
            try:
                frame = self._pipe.recv()
            except (EOFError, OSError):
                return
            match frame:
                case Start(stream):
                    self._stops[stream] = threading.Event()
                    threading.Thread(target=self._write, args=(frame,), daemon=True).start()
                case Stop(stream):
                    if stop := self._stops.get(stream):
                        stop.set()
                case Count():
                    threading.Thread(target=self._count, args=(frame,), daemon=True).start()

    def send(self, frame: FromChild) -> None:
        """Send a frame; a parent that is gone gets nothing more from us."""
        with self._sending:
            try:
                self._pipe.send(frame)
            except OSError:
                os._exit(0)

    def _write(self, start: Start) -> None:
        should_stop = self._stops[start.stream].is_set
        try:
            for event in self._runtime.stream(start.request, should_stop=should_stop, on_step=self._step):
                self.send(Event(start.stream, event))
        except Exception as error:  # noqa: BLE001 - translated, logged and sent
            self.send(failed(start.stream, error))
        finally:
            self._stops.pop(start.stream, None)

    def _count(self, count: Count) -> None:
        try:
            self.send(Counted(count.stream, self._runtime.count_tokens(count.messages)))
        except Exception as error:  # noqa: BLE001 - translated, logged and sent
            self.send(failed(count.stream, error))

    def _step(self) -> None:
        now = time.monotonic()
        if now - self._stepped_at > STEP_EVERY_S:
            self._stepped_at = now
            self.send(Step())


def failed(stream: int, error: Exception) -> Failed:
    """Translate an exception into a frame; what is not an EngineError is logged with its traceback."""
    if is_out_of_memory(error):
        logger.error("out of memory: %s", error)
        return Failed(stream, EngineUnavailable.code, f"{NO_ROOM}: {error}")
    if isinstance(error, EngineError):
        return Failed(stream, error.code, str(error))
    logger.error("the engine failed", exc_info=error)
    return Failed(stream, EngineError.code, f"{type(error).__name__}: {error}")


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was what was missing; libraries say so in words of their own, at load and later."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in OUT_OF_MEMORY)


def hold_on_to(lifeline: int) -> None:
    """Die (SIGIO) when the other end of `lifeline` closes, whatever this process is doing then."""
    with contextlib.suppress(OSError, AttributeError):  # not everywhere; the pipe's end is seen anyway
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def build(dotted: str, arguments: dict[str, Any]) -> Runtime:
    """Import and build the runtime `package.module.Class`."""
    module, _, name = dotted.rpartition(".")
    runtime: Runtime = getattr(import_module(module), name)(**arguments)
    return runtime


def main(socket: str, lifeline: str, dotted: str, arguments: str) -> None:
    """Run as a child process."""
    logging.basicConfig(level=logging.INFO, format="engine child %(process)d: %(levelname)s %(message)s")
    hold_on_to(int(lifeline))
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which lets replies end first
    pipe: Connection[FromChild, ToChild] = Connection(int(socket))
    try:
        runtime = build(dotted, json.loads(arguments))
    except Exception as error:  # noqa: BLE001 - translated, logged and sent
        pipe.send(failed(0, error))
        os._exit(1)
    Child(pipe, runtime).serve()
    os._exit(0)  # no waiting for replies that nobody reads


if __name__ == "__main__":
    main(*sys.argv[1:])
