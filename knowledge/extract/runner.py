"""The public door: `extract` reads a file in a child process that can be lost without harm.

`run_child` does the same for a reader of another kind of file, as chat's pictures are.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Generic, TypeVar

from knowledge.extract.errors import (
    ExtractError,
    MissingFile,
    ParserCrashed,
    Stopped,
    TimedOut,
    TooComplex,
    build_error,
)
from knowledge.extract.formats import format_of
from knowledge.extract.ocr import TOTAL_S, Tesseract
from knowledge.extract.refusal import Refused
from knowledge.extract.types import ExtractedText

OnProgress = Callable[[int, int | None], None]
ShouldStop = Callable[[], bool]
T = TypeVar("T")

DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MEMORY_BYTES = 1024**3
_POLL_S = 0.2
_READ_BYTES = 256 * 1024
_STDERR_BYTES = 2000
_OUT_OF_MEMORY = (b"MemoryError", b"allocate memory", b"bad_alloc", b"failed to map")
_PROJECT = Path(__file__).resolve().parents[2]

logger = logging.getLogger(__name__)


def extract(
    path: Path,
    name: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    tesseract: Tesseract | None = None,
) -> ExtractedText:
    """Read the file at `path`, which the person called `name`, as text.

    `on_progress(done, total)` counts pages (total is None where it is not known); `should_stop` is asked
    several times a second. With `tesseract`, pages that are pictures are recognised; the time for that is
    counted apart from `timeout_s`, page by page.
    Raises: ExtractError.
    """
    name = name.replace("\0", "").encode("utf-8", "replace").decode() or "file"
    check_name(name)
    return run_child(
        "knowledge.extract.child",
        path,
        name,
        ExtractedText.from_json,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        on_progress=on_progress,
        should_stop=should_stop,
        options=[f"--tesseract={tesseract.to_json()}"] if tesseract else [],
        aside_s=TOTAL_S if tesseract else 0.0,
    )


def run_child(
    module: str,
    path: Path,
    name: str,
    from_json: Callable[[Mapping[str, object]], T],
    *,
    timeout_s: float,
    memory_bytes: int,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    options: Sequence[str] = (),
    aside_s: float = 0.0,
) -> T:
    """Have a module that calls `child.serve` work on a file, and return its result.

    from_json: makes a value of the child's result; raises ValueError, KeyError or TypeError for a wrong one.
    options: arguments of the module's own. aside_s: how much time in all it may ask for besides `timeout_s`.
    Raises: ExtractError.
    """
    if not path.is_file():
        raise MissingFile(str(path))
    child = _start(module, path, name, timeout_s, memory_bytes, options)
    clock = _Clock(timeout_s, aside_s)
    try:
        answer = _Conversation(child, clock, from_json, on_progress, should_stop).run()
    finally:
        _kill(child)
    if isinstance(answer, ExtractError):
        logger.info("not extracted: %s", answer)
        raise answer
    return answer


def check_name(name: str) -> None:
    """Refuse at once what no format reads, before anything is stored.

    Raises: UnsupportedType.
    """
    try:
        format_of(name)
    except Refused as exc:
        raise build_error(exc.code, exc.params) from exc


def _start(
    module: str, path: Path, name: str, timeout_s: float, memory_bytes: int, options: Sequence[str]
) -> subprocess.Popen[bytes]:
    limits = [f"--memory={memory_bytes}", f"--cpu={max(1, math.ceil(timeout_s))}"]
    command = [sys.executable, "-m", module, *options, *limits, str(path.resolve()), name]
    return subprocess.Popen(  # noqa: S603 - our own module, no shell, the name is one argument
        command,
        cwd=_PROJECT,
        # Nothing of ours is handed down: a parser has no use for secrets or proxies.
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started, and close its pipes."""
    with contextlib.suppress(ProcessLookupError):  # gone already, which is what was wanted
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


class _Clock:
    """The time one child has left; what it does aside is timed apart."""

    def __init__(self, timeout_s: float, aside_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._spare_s = aside_s
        self._aside: tuple[float, float] | None = None

    @property
    def left_s(self) -> float:
        return self._deadline - time.monotonic()

    def hear(self, seconds: float) -> None:
        """Begin something aside that may take so many seconds; end it with 0."""
        now = time.monotonic()
        if self._aside is not None:
            began, given = self._aside
            used = min(now - began, given)
            self._deadline -= given - used
            self._spare_s -= used
            self._aside = None
        given = min(seconds, self._spare_s)
        if given > 0:
            self._deadline += given
            self._aside = (now, given)


class _Conversation(Generic[T]):
    """Listens to one child until it has answered, died, or used up its time."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        clock: _Clock,
        from_json: Callable[[Mapping[str, object]], T],
        on_progress: OnProgress | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._child = child
        self._clock = clock
        self._from_json = from_json
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._pending = bytearray()
        self._sections: list[object] = []
        self._stderr = b""
        self._answer: T | ExtractError | None = None

    def run(self) -> T | ExtractError:
        """Return what the child said, or what its end means."""
        with selectors.DefaultSelector() as selector:
            for pipe in (self._child.stdout, self._child.stderr):
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ)
            while self._answer is None and selector.get_map():
                if self._should_stop is not None and self._should_stop():
                    return Stopped()
                left_s = self._clock.left_s
                if left_s <= 0:
                    return TimedOut()
                for key, _events in selector.select(min(left_s, _POLL_S)):
                    assert not isinstance(key.fileobj, int)
                    if not self._take(key.fd):
                        selector.unregister(key.fileobj)
        return self._answer or self._end()

    def _take(self, pipe: int) -> bool:
        """Take what there is to read; return False at the end of the pipe."""
        data = os.read(pipe, _READ_BYTES)
        stderr: IO[bytes] | None = self._child.stderr
        if stderr is not None and pipe == stderr.fileno():
            self._stderr = (self._stderr + data)[-_STDERR_BYTES:]
            return bool(data)
        for line in self._whole_lines(data):
            self._hear(line)
        return bool(data)

    def _whole_lines(self, data: bytes) -> Iterator[bytes]:
        self._pending += data
        if b"\n" not in data:
            return
        *lines, rest = self._pending.split(b"\n")
        self._pending = bytearray(rest)
        yield from (bytes(line) for line in lines)

    def _hear(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            if "section" in message:
                self._sections.append(message["section"])
            elif "result" in message:
                result = message["result"]
                if self._sections:
                    result["sections"] = self._sections
                self._answer = self._from_json(result)
            elif "error" in message:
                error = message["error"]
                self._answer = build_error(error["code"], error["params"], error["detail"])
            elif "aside" in message:
                self._clock.hear(float(message["aside"]))
            elif "progress" in message and self._on_progress is not None:
                done, total = message["progress"]
                self._on_progress(int(done), None if total is None else int(total))
        except (ValueError, KeyError, TypeError) as exc:
            self._answer = ParserCrashed(f"not understood: {exc!r}")

    def _end(self) -> ExtractError:
        """Say what it means that the child ended without an answer."""
        try:
            status = self._child.wait(timeout=max(0.1, min(5.0, self._clock.left_s)))
        except subprocess.TimeoutExpired:
            return TimedOut("closed its pipes and went on")
        detail = f"exit {status}: {self._stderr.decode(errors='replace')[-500:]}"
        if status == -signal.SIGXCPU:
            return TooComplex(detail)
        if any(sign in self._stderr for sign in _OUT_OF_MEMORY):
            return TooComplex(detail)
        return ParserCrashed(detail)
