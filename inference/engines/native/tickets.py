"""Between the threads that wait for replies and the one that writes them all."""

import queue
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from inference.errors import EngineError
from inference.types import Delta, Finish


class Ticket(Protocol):
    """One reply as both sides see it. is_abandoned: nobody reads its events any more."""

    events: "queue.SimpleQueue[Delta | Finish | EngineError]"
    is_abandoned: bool


T = TypeVar("T", bound=Ticket)


def follow(ticket: Ticket) -> Iterator[Delta | Finish]:
    """Read a reply to its end, as it is written; who stops reading has abandoned it. Raises: EngineError."""
    try:
        while True:
            event = ticket.events.get()
            if isinstance(event, EngineError):
                raise event
            yield event
            if isinstance(event, Finish):
                return
    finally:
        ticket.is_abandoned = True


class Arrivals(Generic[T]):
    """The tickets that other threads hand in."""

    def __init__(self) -> None:
        """Begin open and empty."""
        self._queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self.is_closed = False

    def put(self, ticket: T) -> None:
        """Hand one in."""
        self._queue.put(ticket)

    def close(self) -> None:
        """Have `take` find the end after all that were handed in before."""
        self._queue.put(None)

    def take(self, *, wait: bool) -> Iterator[T]:
        """Take out what came. wait: for the first one, where there is nothing else to do."""
        try:
            while not self.is_closed:
                ticket = self._queue.get(block=wait)
                wait = False
                if ticket is None:
                    self.is_closed = True
                else:
                    yield ticket
        except queue.Empty:
            return
