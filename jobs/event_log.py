"""What an event log is: append, replay, follow. jobs/log.py says which one the site has.

A log holds the events of one job in order. Every entry has an index, rising by 1 from 1; entries of a
later attempt go on counting. The log of a finished job is kept for an hour.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol

Event = Mapping[str, object]
KEEP_S = 3600
MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with its place in the log."""

    index: int
    event: Event


class EventLog(Protocol):
    """What both logs do. `follow` is for the event loop, the rest for threads.

    Raises: LogUnavailable, from all but `follow`, which waits until the log is back.
    """

    def append(self, key: str, attempt: int, events: "list[Event]") -> bool:
        """Add events; False when a later attempt has written to this log: the caller is a zombie."""
        ...

    def replay(self, key: str, after: int = 0) -> list[Entry]:
        """Return the entries after an index, oldest first; an unknown log is empty."""
        ...

    def close(self, key: str) -> None:
        """Mark the end: followers stop after the last entry; the log lives on for KEEP_S."""
        ...

    def follow(self, key: str, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield entries after an index, those to come included, until the log is closed.

        An entry whose index is not the expected one tells the caller that the log was trimmed.
        """
        ...

    def ping(self) -> bool:
        """Say whether it can be reached."""
        ...
