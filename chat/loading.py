"""Wait for an engine that is being loaded, but no longer than the reader wants to."""

from concurrent.futures import Future
from threading import Thread

from inference.engines.base import Engine
from inference.types import ShouldStop

ASK_EVERY_S = 0.2


def load_unless_stopped(engine: Engine, should_stop: ShouldStop) -> None:
    """Load an engine; return early once told to stop, while it goes on loading for the next reply.

    Raises: EngineError; whatever `should_stop` raises.
    """
    loaded: Future[None] = Future()

    def load() -> None:
        try:
            engine.load()
        except Exception as exc:  # noqa: BLE001 - raised again in the waiting thread
            loaded.set_exception(exc)
        else:
            loaded.set_result(None)

    Thread(target=load, name="load-engine", daemon=True).start()
    while not should_stop():
        try:
            return loaded.result(timeout=ASK_EVERY_S)
        except TimeoutError:
            if loaded.done():  # a time-out of the engine's own
                raise
