"""How much of a prompt is read at once: as much as fits between two tokens of those who read along. Pure."""

from typing import Final

LEAST: Final = 8  # tokens; fewer read so slowly that nobody gains
GROWTH: Final = 4.0  # a chunk is at most so many times the last one that was measured
FIRST_GUESS_S: Final = 0.025  # a token of a 3.8B model on two cores


class ChunkSizes:
    """Learns what a token of a prompt costs here, and sizes the next chunk by it."""

    def __init__(self, *, shared_s: float, alone_s: float, most: int) -> None:
        """shared_s, alone_s: how long a chunk may take while others stream, and while nobody does."""
        self._shared_s = shared_s
        self._alone_s = alone_s
        self._most = most
        self._token_s = FIRST_GUESS_S
        self._last = 2 * LEAST

    def next(self, unread: int, *, is_shared: bool) -> int:
        """Give the size of the next chunk of a prompt with `unread` tokens, so that no small rest is left."""
        wanted = (self._shared_s if is_shared else self._alone_s) / self._token_s
        size = int(max(LEAST, min(wanted, self._most, GROWTH * self._last)))
        return -(-unread // -(-unread // size))

    def took(self, tokens: int, seconds: float) -> None:
        """Learn from a chunk; the short ones at the end of a prompt say little about the others."""
        if 2 * tokens < min(self._last, LEAST):
            return
        self._last = tokens
        self._token_s = max(1e-6, (self._token_s + 2 * seconds / tokens) / 3)
