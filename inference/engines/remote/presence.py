"""Whether a server is there: looked up in the background, so that nobody waits for it."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

FRESH_S: Final = 30.0

logger = logging.getLogger(__name__)


class Presence:
    """What `look` found last, at most `fresh_s` old when asked often. Thread-safe."""

    def __init__(self, look: Callable[[], str], *, fresh_s: float = FRESH_S) -> None:
        """look: may take its time; "" = nothing there."""
        self._look = look
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._found = ""
        self._looked_at = float("-inf")
        self._under_way: threading.Event | None = None
        self._has_looked = False

    def found(self, *, wait_s: float) -> str:
        """Give what was found last; only while nothing is known yet, wait up to `wait_s` for it."""
        with self._lock:
            if self._under_way is None and time.monotonic() - self._looked_at > self._fresh_s:
                self._under_way = threading.Event()
                threading.Thread(
                    target=self._refresh, args=(self._under_way,), name="presence", daemon=True
                ).start()
            under_way, has_looked = self._under_way, self._has_looked
        if under_way is not None and not has_looked:
            under_way.wait(wait_s)
        return self._found

    def _refresh(self, done: threading.Event) -> None:
        found = ""
        try:
            found = self._look()
        except Exception:  # a thread has nobody to raise to
            logger.exception("looking for a server failed")
        with self._lock:
            self._found, self._looked_at = found, time.monotonic()
            self._under_way, self._has_looked = None, True
        done.set()
