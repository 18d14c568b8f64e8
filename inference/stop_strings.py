"""Stop strings in a stream: text that may be the beginning of one is held back. Pure."""

from collections.abc import Sequence


class StopStrings:
    """Cuts one stream at the first stop string, which may arrive in any number of pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.is_reached = False

    def feed(self, text: str) -> str:
        """Take the next piece and return what can no longer belong to a stop string."""
        if self.is_reached:
            return ""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.is_reached = True
            sure, self._held = self._held[: min(found)], ""
            return sure
        keep = self._possible_beginning()
        sure, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return sure

    def flush(self) -> str:
        """Return what was held back: the stream has ended and no stop string came of it."""
        rest, self._held = self._held, ""
        return rest

    def _possible_beginning(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        for length in range(min(longest, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0
