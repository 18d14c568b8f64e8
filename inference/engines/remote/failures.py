"""A call that went wrong: what to tell the caller, and whether asking again may help."""

from typing import Final

from inference.errors import EngineError, EngineTimeout, EngineUnavailable

MAX_RETRIES: Final = 2  # of anything, and only while no token has come


class Stopped(Exception):
    """The caller's `should_stop` said True."""


class UpstreamFailure(Exception):
    """One attempt failed.

    error: what is raised when no further attempt is made.
    status: the HTTP status, 0 where there was none.
    retries: further attempts that make sense.
    wait_s: how long the server asked us to wait, None where it did not say.
    is_down: nothing answers there (refused, no such name, TLS), as opposed to a server that refuses.
    """

    def __init__(
        self,
        error: EngineError,
        *,
        status: int = 0,
        retries: int = 0,
        wait_s: float | None = None,
        is_down: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.retries = min(retries, MAX_RETRIES)
        self.wait_s = wait_s
        self.is_down = is_down

    @property
    def is_fault(self) -> bool:
        """Whether the server is to blame: nothing answered, not in time, or 5xx (but for 503, "busy")."""
        is_late = isinstance(self.error, EngineTimeout)
        return self.is_down or is_late or (self.status >= 500 and self.status != 503)


class Dropped(UpstreamFailure):
    """The connection ended before the reply did."""

    def __init__(self, detail: str) -> None:
        super().__init__(EngineUnavailable(detail), status=502, retries=1)
