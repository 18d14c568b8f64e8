"""A server that is down is left alone for a while, instead of making every question wait for it."""

import threading
import time
from collections.abc import Callable
from typing import Final

from inference.engines.remote.failures import UpstreamFailure
from inference.errors import EngineUnavailable

OPEN_S: Final = 30.0
FAULTS_IN_A_ROW: Final = 3  # replies that ended in 5xx; a single question may upset a healthy server


class Breaker:
    """Opens when nothing answers, or after three faults in a row; lets one call try after 30 s."""

    def __init__(self, *, open_s: float = OPEN_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._faults = 0
        self._closed_at = 0.0
        self._reason = ""

    def check(self) -> None:
        """Let a call through, or not. Raises: EngineUnavailable."""
        with self._lock:
            if not self._reason:
                return
            left_s = self._closed_at - self._clock()
            if left_s > 0:
                raise EngineUnavailable(f"asked again in {left_s:.0f} s, because of: {self._reason}")
            self._closed_at = self._clock() + self._open_s  # this call tries; others wait for what it finds

    def succeeded(self) -> None:
        """Take note that the server answers."""
        with self._lock:
            self._faults, self._reason = 0, ""

    def failed(self, failure: UpstreamFailure) -> None:
        """Take note of a call that is given up."""
        with self._lock:
            if not failure.is_fault:
                self._faults, self._reason = 0, ""  # it refused, so it answers
                return
            self._faults += 1
            if failure.is_down or self._faults >= FAULTS_IN_A_ROW:
                self._reason = str(failure)
                self._closed_at = self._clock() + self._open_s
