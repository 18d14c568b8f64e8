"""The process that opens uploads: `python -m knowledge.extract.child [OPTIONS] PATH NAME`.

It writes JSON lines to what was its standard output: {"progress": [done, total]} while it works,
{"aside": seconds} before what is timed apart from parsing and {"aside": 0} after it, {"section": …} for each
section of the text, then one {"result": …} with the rest or {"error": {"code", "params", "detail"}}.
No Django, no settings, no secrets, no network.
A module that reads something else than documents is started the same way and calls `serve`.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from knowledge.extract import limits
from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.ocr import Recogniser, Tesseract
from knowledge.extract.reading import read
from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

Work = Callable[[BinaryIO, str, "Channel"], Mapping[str, object]]

_PROGRESS_S = 0.1
_OUT_OF_MEMORY = ("Cannot allocate memory", "cannot allocate memory", "failed to map segment")


class Channel:
    """The pipe to the parent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_at = 0.0

    def say(self, message: dict[str, object]) -> None:
        """Write one line."""
        self._stream.write(json.dumps(message) + "\n")
        self._stream.flush()

    def progress(self, done: int, total: int | None) -> None:
        """Report progress, a few times a second at most."""
        now = time.monotonic()
        if done == total or now - self._said_at >= _PROGRESS_S:
            self._said_at = now
            self.say({"progress": [done, total]})

    @contextmanager
    def aside(self, seconds: float) -> Iterator[None]:
        """Have the parent give so many seconds on top of what parsing may take."""
        self.say({"aside": seconds})
        try:
            yield
        finally:
            self.say({"aside": 0})


def main(arguments: Sequence[str]) -> int:
    """Read one document and report."""
    if not arguments[0].startswith("--tesseract="):
        return serve(arguments, partial(_extract, tesseract=None))
    tesseract = Tesseract.from_json(arguments[0].removeprefix("--tesseract="))
    return serve(arguments[1:], partial(_extract, tesseract=tesseract), may_run=tesseract.commands)


def _extract(
    file: BinaryIO, name: str, channel: Channel, *, tesseract: Tesseract | None
) -> Mapping[str, object]:
    recogniser = Recogniser(tesseract, channel.aside) if tesseract else None
    result = read(Source(file, name, channel.progress, recogniser=recogniser))
    for section in result.sections:  # one by one: a long text is never one message
        channel.say({"section": asdict(section)})
    return replace(result, sections=()).to_json()


def serve(arguments: Sequence[str], work: Work, *, may_run: Sequence[Sequence[str]] = ()) -> int:
    """Do the work on one file within the limits; exit status 0 with a result, 1 with a typed error.

    may_run: the beginnings of the commands the work may start.
    """
    options, path, name = _parse(arguments)
    channel = Channel(_take_stdout())
    limits.limit_resources(options["memory"], options["cpu"])
    try:
        with Path(path).open("rb") as file:  # before the rights to open other people's files are given up
            isolation = limits.cut_network(may_run)
            channel.say({"isolation": isolation})
            result = work(file, name, channel)
        channel.say({"result": result})
    except Refused as exc:
        return _fail(channel, exc.code, exc.detail, exc.params)
    except MemoryError:
        limits.release_reserve()
        return _fail(channel, FailureCode.TOO_COMPLEX, "memory", {})
    except RecursionError:
        return _fail(channel, FailureCode.TOO_COMPLEX, "recursion", {})
    except FileNotFoundError as exc:
        return _fail(channel, FailureCode.MISSING_FILE, str(exc), {})
    except Exception as exc:  # noqa: BLE001 - whatever a parser throws at a hostile file means: this file is broken
        limits.release_reserve()
        code = FailureCode.TOO_COMPLEX if _is_out_of_memory(exc) else FailureCode.CORRUPT
        return _fail(channel, code, repr(exc)[:500], {})
    return 0


def _parse(arguments: Sequence[str]) -> tuple[dict[str, int], str, str]:
    options = {"memory": 1024**3, "cpu": 60}
    *flags, path, name = arguments
    for flag in flags:
        key, _equals, value = flag.removeprefix("--").partition("=")
        options[key] = int(value)
    return options, path, name


def _take_stdout() -> TextIO:
    """Keep the pipe for ourselves: what a library prints goes nowhere."""
    import logging

    logging.disable(logging.CRITICAL)
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return os.fdopen(channel, "w", encoding="utf-8")


def _is_out_of_memory(exc: Exception) -> bool:
    if isinstance(exc, OSError) and exc.errno == errno.ENOMEM:
        return True
    return any(sign in str(exc) for sign in _OUT_OF_MEMORY)


def _fail(channel: Channel, code: FailureCode, detail: str, params: dict[str, str | int]) -> int:
    channel.say({"error": {"code": code, "params": params, "detail": clean_line(detail)}})
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
