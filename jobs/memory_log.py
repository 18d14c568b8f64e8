"""The event log in this process's memory, for the embedded site."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from jobs.event_log import KEEP_S, Entry, Event


@dataclass
class _Log:
    attempt: int = 0
    entries: list[Entry] = field(default_factory=list)
    is_closed: bool = False
    touched_at: float = field(default_factory=time.monotonic)
    followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=set)


KEEP_LOGS = 300  # a finished reply can be read from its row


class MemoryLog:
    """Logs by key; finished ones are forgotten after KEEP_S, or when KEEP_LOGS newer ones have finished."""

    def __init__(self) -> None:
        """Start empty."""
        self._logs: dict[str, _Log] = {}
        self._lock = threading.Lock()

    def append(self, key: str, attempt: int, events: list[Event]) -> bool:
        """Add events; False for an attempt that is not the newest."""
        with self._lock:
            log = self._log(key)
            if attempt < log.attempt:
                return False
            log.attempt = attempt
            log.is_closed = False
            log.touched_at = time.monotonic()
            for event in events:
                log.entries.append(Entry(len(log.entries) + 1, event))
            self._wake(log)
            return True

    def replay(self, key: str, after: int = 0) -> list[Entry]:
        """Return the entries after an index."""
        with self._lock:
            log = self._logs.get(key)
            return log.entries[after:] if log else []

    def close(self, key: str) -> None:
        """Mark the end, and forget logs that ended long ago."""
        with self._lock:
            log = self._log(key)
            log.is_closed = True
            log.touched_at = time.monotonic()
            self._wake(log)
            self._forget_old()

    def _forget_old(self) -> None:
        closed = sorted((v.touched_at, k) for k, v in self._logs.items() if v.is_closed)
        old = time.monotonic() - KEEP_S
        surplus = len(closed) - KEEP_LOGS
        for at, (touched_at, key) in enumerate(closed):
            if touched_at < old or at < surplus:
                del self._logs[key]

    async def follow(self, key: str, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield entries after an index until the log is closed."""
        news = asyncio.Event()
        follower = (asyncio.get_running_loop(), news)
        with self._lock:
            log = self._log(key)
            log.followers.add(follower)
        try:
            while True:
                news.clear()
                with self._lock:
                    entries, is_closed = log.entries[after:], log.is_closed
                for entry in entries:
                    yield entry
                    after = entry.index
                if is_closed:
                    return
                await news.wait()
        finally:
            with self._lock:
                log.followers.discard(follower)
                if not log.entries and not log.followers and self._logs.get(key) is log:
                    del self._logs[key]

    def ping(self) -> bool:
        """Memory is always there."""
        return True

    def _log(self, key: str) -> _Log:
        return self._logs.setdefault(key, _Log())

    def _wake(self, log: _Log) -> None:
        for loop, news in list(log.followers):
            try:
                loop.call_soon_threadsafe(news.set)
            except RuntimeError:  # the loop has ended
                log.followers.discard((loop, news))
