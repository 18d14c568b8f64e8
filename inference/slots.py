"""How many replies an engine writes at the same time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from inference.errors import EngineBusy
from inference.types import ShouldStop

POLL_S: Final = 0.05


class Slots:
    """A fixed number of places; whoever finds none waits a while, and may give up."""

    def __init__(self, count: int, *, wait_s: float = 30.0) -> None:
        """wait_s: after so long without a place it is EngineBusy."""
        self._free = threading.Semaphore(count)
        self._wait_s = wait_s

    @contextmanager
    def held(self, should_stop: ShouldStop) -> Iterator[bool]:
        """Hold one place for the length of the block. Yields False, holding none, once told to stop.

        Raises: EngineBusy.
        """
        deadline = time.monotonic() + self._wait_s
        while not self._free.acquire(timeout=POLL_S):
            if should_stop():
                yield False
                return
            if time.monotonic() > deadline:
                raise EngineBusy(f"no free slot within {self._wait_s:g} s")
        try:
            yield True
        finally:
            self._free.release()
