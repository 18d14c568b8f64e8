"""Wait for an engine that is being loaded, but no longer than the reader wants to; and let others know.

Which engine a worker is loading, and why it could not, stands in a log of the engine's own, so that the
models page of another process tells the truth.
"""

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Final

from inference.engines.base import Engine
from inference.errors import EngineError
from inference.types import ShouldStop
from jobs.errors import LogUnavailable
from jobs.log import get_log

ASK_EVERY_S: Final = 0.2
NEWS_S: Final = 600.0  # no load takes longer; what is older tells nothing of now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadNews:
    """How the last load of an engine went. code, detail: of the error it ended with, "" where it goes on."""

    model: str
    code: str = ""
    detail: str = ""

    @property
    def is_loading(self) -> bool:
        """Whether some worker is loading it now."""
        return not self.code


def load_unless_stopped(engine: Engine, should_stop: ShouldStop) -> None:
    """Load an engine; return early once told to stop, while it goes on loading for the next reply.

    Raises: EngineError; whatever `should_stop` raises.
    """
    loaded: Future[None] = Future()

    def load() -> None:
        _tell(engine, "loading")
        try:
            engine.load()
        except Exception as exc:  # noqa: BLE001 - raised again in the waiting thread
            _tell(engine, "failed", exc)
            loaded.set_exception(exc)
        else:
            _tell(engine, "loaded")
            loaded.set_result(None)

    Thread(target=load, name="load-engine", daemon=True).start()
    while not should_stop():
        try:
            return loaded.result(timeout=ASK_EVERY_S)
        except TimeoutError:
            if loaded.done():  # a time-out of the engine's own
                raise


def load_news(name: str) -> LoadNews | None:
    """Tell what the workers said last of loading an engine; None where it is loaded, or nothing is known."""
    try:
        entries = get_log().replay(_key(name))
    except LogUnavailable:
        return None
    if not entries:
        return None
    last = entries[-1].event
    at = last.get("at")
    if last.get("type") == "loaded" or not isinstance(at, float) or time.time() - at > NEWS_S:
        return None
    return LoadNews(str(last.get("model", "")), str(last.get("code", "")), str(last.get("detail", "")))


def _tell(engine: Engine, what: str, error: Exception | None = None) -> None:
    """Note how far the load is; without it the load goes on all the same."""
    event: dict[str, object] = {"type": what, "model": engine.model, "at": time.time()}
    if error is not None:
        event |= {"code": getattr(error, "code", EngineError.code), "detail": str(error)}
    try:
        get_log().append(_key(engine.name), 0, [event])
        if what != "loading":
            get_log().close(_key(engine.name))
    except LogUnavailable as exc:
        logger.warning("the load of %s is not noted: %s", engine.name, exc)


def _key(name: str) -> str:
    return f"engine:{name}"
