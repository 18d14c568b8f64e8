"""How long a remote reply may take."""

from dataclasses import dataclass, replace
from typing import Final

from inference.engines.remote.failures import UpstreamFailure
from inference.errors import EngineTimeout

TAIL_S: Final = 2.0  # for what follows the finish reason (usage), which a reply can do without


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. cold_s: for the first token of a model that may have to be loaded first.

    first_wait_s: before asking again, where the server does not say how long; then twice as much.
    """

    first_token_s: float = 60.0
    cold_s: float = 180.0
    between_tokens_s: float = 30.0
    total_s: float = 600.0
    first_wait_s: float = 0.5

    def with_first_token(self, first_token_s: float) -> "Timeouts":
        """Change the time for the first token, and that of a cold one where it would be shorter."""
        return replace(self, first_token_s=first_token_s, cold_s=max(self.cold_s, first_token_s))


class Deadlines:
    """The clock of one reply, through all its attempts; every time is on the monotonic clock."""

    def __init__(self, timeouts: Timeouts, *, is_cold: bool, now: float) -> None:
        self._timeouts = timeouts
        self._first_token_s = timeouts.cold_s if is_cold else timeouts.first_token_s
        self._ends_at = now + timeouts.total_s
        self._quiet_since = now
        self._has_token = False

    def restart(self, now: float) -> None:
        """Begin another attempt: the first token has its whole time again, the reply has not."""
        self._quiet_since = now

    def token(self, at: float) -> None:
        """Take note of a token."""
        self._quiet_since, self._has_token = at, True

    def check(self, now: float) -> None:
        """Raises: UpstreamFailure with EngineTimeout."""
        limit_s = self._timeouts.between_tokens_s if self._has_token else self._first_token_s
        if now - self._quiet_since > limit_s:
            which = "another" if self._has_token else "a first"
            raise UpstreamFailure(EngineTimeout(f"no {which} token within {limit_s:g} s"))
        if now > self._ends_at:
            raise UpstreamFailure(EngineTimeout(f"no end within {self._timeouts.total_s:g} s"))
