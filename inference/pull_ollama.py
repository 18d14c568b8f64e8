"""Asking an Ollama server to pull a model: its own download, which it resumes and verifies itself."""

import time
from typing import Final

from inference.engines.remote.connection import Connection
from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import count_at, parse, text_at
from inference.errors import EngineError
from inference.pull import GIVEN_UP, TELL_EVERY_S, OnProgress, Progress, say_nothing
from inference.pull_errors import (
    PullError,
    PullInterrupted,
    PullStopped,
    SourceMissing,
    SourceUnreachable,
)
from inference.types import ShouldStop, never_stop

WAIT_S: Final = 0.25
QUIET_S: Final = 120.0  # the server verifies gigabytes without a word
SUCCESS: Final = "success"


def pull_tag(
    url: str, tag: str, *, on_progress: OnProgress = say_nothing, should_stop: ShouldStop = never_stop
) -> None:
    """Have the server at `url` pull `tag`, and wait for it. Raises: PullError."""
    try:
        connection = Connection(url)
    except EngineError as error:
        raise SourceUnreachable(f"OLLAMA_URL is no address: {error}") from error
    try:
        _follow(connection, tag, on_progress, should_stop)
    except UpstreamFailure as failure:
        raise _translated(failure, connection.url, tag) from failure
    finally:
        connection.close()


def _follow(connection: Connection, tag: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    call = connection.start("POST", "/api/pull", {"model": tag, "stream": True})
    layers: dict[str, tuple[int, int]] = {}
    heard_at, told_at = time.monotonic(), 0.0
    try:
        while not call.is_ended:
            line, at = call.take(WAIT_S)
            if should_stop():
                raise PullStopped(f"Stopped. {GIVEN_UP}")
            if line is None or not line.strip():
                if at - heard_at > QUIET_S:
                    raise PullInterrupted(f"The Ollama server has said nothing for {QUIET_S:g} s. {GIVEN_UP}")
                continue
            heard_at = at
            status = _status(line, tag, layers)
            if status == SUCCESS:
                return
            if at - told_at >= TELL_EVERY_S:
                told_at = at
                on_progress(_progress(status, layers))
        raise PullInterrupted(f"The Ollama server ended the pull of {tag} early. {GIVEN_UP}")
    finally:
        call.close()


def _status(line: str, tag: str, layers: dict[str, tuple[int, int]]) -> str:
    """Read one line and take note of its layer. Raises: PullError."""
    try:
        said = parse(line)
    except ValueError as exc:
        raise PullInterrupted(
            f"The Ollama server answered with something else than JSON. {GIVEN_UP}"
        ) from exc
    if error := text_at(said, "error"):
        if "does not exist" in error or "not found" in error:
            raise SourceMissing(f"The Ollama library has no {tag}: {error}.")
        raise PullError(f"The Ollama server could not pull {tag}: {error}.")
    if digest := text_at(said, "digest"):
        layers[digest] = (count_at(said, "completed") or 0, count_at(said, "total") or 0)
    return text_at(said, "status")


def _progress(status: str, layers: dict[str, tuple[int, int]]) -> Progress:
    return Progress(
        status, sum(done for done, _ in layers.values()), sum(all_ for _, all_ in layers.values())
    )


def _translated(failure: UpstreamFailure, url: str, tag: str) -> PullError:
    if failure.is_down:
        return SourceUnreachable(f"No Ollama server answers at {url}. Start it, or set OLLAMA_URL.")
    if failure.status == 404:
        return SourceMissing(f"The Ollama server at {url} cannot find {tag}: {failure}.")
    return PullInterrupted(f"The Ollama server broke off the pull of {tag}: {failure}. {GIVEN_UP}")
