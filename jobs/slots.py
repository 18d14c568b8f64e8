"""How many jobs of a queue run at once in this process."""

import threading
from collections.abc import Callable


class Slots:
    """Counts running workers of one queue.

    A wake-up that finds every slot taken is remembered: the next worker to leave looks once more,
    so that no job is left waiting for a message that nobody will send again.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        """Take the limit as a function: an engine knows its slots only once it is chosen."""
        self._limit = limit
        self._lock = threading.Lock()
        self._taken = 0
        self._missed = False

    def enter(self) -> bool:
        """Take a slot; False when none is free."""
        limit = max(1, self._limit())
        with self._lock:
            if self._taken >= limit:
                self._missed = True
                return False
            self._taken += 1
            return True

    def leave(self, *, force: bool = False) -> bool:
        """Give the slot back; False when a wake-up was missed and the caller must look again."""
        with self._lock:
            if self._missed and not force:
                self._missed = False
                return False
            self._taken -= 1
            return True
