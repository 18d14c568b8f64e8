"""Continuous batching: one thread that owns the decoder and moves every reply on, step by step.

A turn of its loop: drop who gave up, let in who waits, one token for everybody who writes, one chunk
for one of those whose prompts are still being read. So a reply joins and leaves between any two steps,
and a long prompt delays the others by one chunk at a time.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from inference.engines.native.sampling import Sampler
from inference.engines.native.tickets import Arrivals
from inference.engines.onnxgenai.chunks import ChunkSizes
from inference.engines.onnxgenai.decoder import MAX_CHUNK, Decoder, Logits
from inference.engines.onnxgenai.drafts import MOST, PromptLookup, StepCosts
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.rows import Row, Rows
from inference.errors import EngineError, EngineUnavailable
from inference.types import Delta, Finish, FinishReason, ShouldStop

SHARED_CHUNK_S: Final = 0.25  # leaves room below the 300 ms that a reader may be kept waiting
ALONE_CHUNK_S: Final = 1.0  # a prompt that is read alone can be cancelled so often
OLDEST_EVERY: Final = 3  # chunks: the shortest prompt goes first, but every third chunk is the oldest's

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Ticket:
    """One reply on its way through the scheduler.

    lookup: guesses for it, where it is greedy. events: for the thread that waits for the reply.
    """

    prompt: list[int]
    reply: Reply
    sampler: Sampler
    lookup: PromptLookup | None
    should_stop: ShouldStop
    on_step: Callable[[], None]
    events: "queue.SimpleQueue[Delta | Finish | EngineError]" = field(default_factory=queue.SimpleQueue)
    is_abandoned: bool = False
    row: Row | None = None
    next_token: int = -1  # chosen, but not in the cache yet

    @property
    def taken(self) -> Row:
        """Its row; it has one."""
        assert self.row is not None
        return self.row

    @property
    def unread(self) -> int:
        """Tokens of the prompt that are still to be computed."""
        return len(self.prompt) - len(self.taken.tokens)

    def is_unwanted(self) -> bool:
        """Say whether nobody waits for it any more."""
        return self.is_abandoned or self.should_stop()


class Scheduler:
    """Runs tickets on the rows of one decoder."""

    def __init__(
        self, decoder: Decoder, rows: int, *, shared_chunk_s: float = SHARED_CHUNK_S, cliff: int = 0
    ) -> None:
        """cliff: see `longrope`; where a row may reach beyond one, there is one row."""
        assert not cliff or rows == 1, "rows that share a step share their factors"
        self._cliff = cliff
        self.costs = StepCosts()
        self._decoder = decoder
        self._rows = Rows(rows, decoder)
        self._sizes = ChunkSizes(shared_s=shared_chunk_s, alone_s=ALONE_CHUNK_S, most=MAX_CHUNK)
        self._arrivals: Arrivals[Ticket] = Arrivals()
        self._waiting: deque[Ticket] = deque()
        self._reading: list[Ticket] = []  # oldest first
        self._writing: list[Ticket] = []
        self._chunks = 0
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    @property
    def free_rows(self) -> int:
        """How many rows nobody has."""
        return self._rows.free

    def submit(self, ticket: Ticket) -> None:
        """Queue a reply; its events end with a Finish or an EngineError."""
        self._arrivals.put(ticket)

    def close(self) -> None:
        """End the thread after the step under way; replies that are not finished end with an error."""
        self._arrivals.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._arrivals.is_closed:
            is_idle = not (self._waiting or self._reading or self._writing)
            self._waiting.extend(self._arrivals.take(wait=is_idle))
            try:
                self._turn()
            except Exception as exc:  # whatever the runtime throws ends these replies, not the thread
                logger.exception("a step failed")
                self._fail_all(EngineError(f"a step failed: {exc}"))
        self._reading += self._waiting
        self._fail_all(EngineUnavailable("the model was closed"))

    def _turn(self) -> None:
        self._drop_unwanted()
        while self._waiting and self._rows.free:
            self._let_in(self._waiting.popleft())
        self._cross_over()
        moved = list(self._writing)
        if self._writing:
            self._write_step()
        if self._reading:
            moved.append(self._read_chunk())
        for ticket in moved:
            ticket.on_step()

    def _drop_unwanted(self) -> None:
        for ticket in [*self._waiting, *self._reading, *self._writing]:
            if ticket.is_unwanted():
                self._finish(ticket, FinishReason.CANCELLED)

    def _let_in(self, ticket: Ticket) -> None:
        self._reading.append(ticket)  # first, so that it is not forgotten where this fails
        ticket.row = self._rows.take(ticket.prompt)
        self._set_factors(ticket)
        ticket.reply.cached_tokens = len(ticket.row.tokens)

    def _set_factors(self, ticket: Ticket) -> None:
        """Keep nothing of a row that was computed with the factors of the cliff's other side."""
        is_far = bool(self._cliff) and len(ticket.prompt) > self._cliff
        if ticket.taken.is_far != is_far:
            ticket.taken.tokens = []
        ticket.taken.is_far = is_far

    def _cross_over(self) -> None:
        """Send back to reading whoever reaches the cliff: all of it is computed again, as one prompt."""
        for ticket in [one for one in self._writing if len(one.taken.tokens) == self._cliff]:
            if self._cliff and not ticket.taken.is_far:
                ticket.prompt = [*ticket.taken.tokens, ticket.next_token]
                self._set_factors(ticket)
                self._writing.remove(ticket)
                self._reading.append(ticket)

    def _read_chunk(self) -> Ticket:
        """Read the next part of one prompt; after its last one that reply writes its first token."""
        self._chunks += 1
        is_oldests = self._chunks % OLDEST_EVERY == 0
        ticket = self._reading[0] if is_oldests else min(self._reading, key=lambda one: one.unread)
        row, done = ticket.taken, len(ticket.taken.tokens)
        size = self._sizes.next(ticket.unread, is_shared=bool(self._writing))
        part = ticket.prompt[done : done + size]
        began = time.monotonic()
        logits = self._decoder.run(row.index, np.array([part], np.int64), [done], self._reach(ticket))
        self._sizes.took(len(part), time.monotonic() - began)
        row.tokens += part
        if not ticket.unread:
            self._reading.remove(ticket)
            self._writing.append(ticket)
            self._take(ticket, logits[0, -1])
        return ticket

    def _write_step(self) -> None:
        """Write one token of every reply; of one that writes alone, as many as it guesses right."""
        if len(self._writing) == 1 and not (self._reading or self._waiting):
            self._write_alone(self._writing[0])
            return
        by_row = {ticket.taken: ticket for ticket in self._writing}
        rows = self._rows.bring_together(list(by_row))
        tickets = [by_row[row] for row in rows]
        tokens = np.array([[ticket.next_token] for ticket in tickets], np.int64)
        logits = self._decoder.run(rows[0].index, tokens, [len(row.tokens) for row in rows])
        for at, ticket in enumerate(tickets):
            ticket.taken.tokens.append(ticket.next_token)
            self._take(ticket, logits[at, 0])

    def _write_alone(self, ticket: Ticket) -> None:
        row, lookup = ticket.taken, ticket.lookup
        guessed = lookup.guess(self._most_guesses(ticket)) if lookup else []
        began = time.monotonic()
        tokens = np.array([[ticket.next_token, *guessed]], np.int64)
        logits = self._decoder.run(row.index, tokens, [len(row.tokens)])
        self.costs.took(len(guessed), time.monotonic() - began)
        right = self._take_guessed(ticket, guessed, logits)
        if lookup:
            lookup.verified(len(guessed), right)

    def _reach(self, ticket: Ticket) -> int:
        return len(ticket.prompt) if ticket.taken.is_far else 0

    def _most_guesses(self, ticket: Ticket) -> int:
        """Guess neither beyond the end of the reply nor across the cliff."""
        most = min(MOST, ticket.reply.tokens_left - 1)
        if self._cliff and not ticket.taken.is_far:
            most = min(most, self._cliff - 1 - len(ticket.taken.tokens))
        return most

    def _take_guessed(self, ticket: Ticket, guessed: list[int], logits: Logits) -> int:
        """Take the tokens of a step of one reply, up to the first wrong guess; return how many were right."""
        for at in range(len(guessed) + 1):
            ticket.taken.tokens.append(ticket.next_token)
            self._take(ticket, logits[0, at])
            is_right = at < len(guessed) and ticket.next_token == guessed[at]
            if ticket.reply.is_finished or not is_right:
                return at + is_right
        raise AssertionError("a step has a last token")

    def _take(self, ticket: Ticket, logits: Logits) -> None:
        """Choose the token after these logits, and say it."""
        ticket.next_token = token = ticket.sampler.choose(logits)
        if ticket.lookup:
            ticket.lookup.add(token)
        for event in ticket.reply.add(token):
            if isinstance(event, Finish):
                self._let_go(ticket)
            ticket.events.put(event)

    def _finish(self, ticket: Ticket, reason: FinishReason) -> None:
        self._let_go(ticket)
        for event in ticket.reply.finish(reason):
            ticket.events.put(event)

    def _let_go(self, ticket: Ticket) -> None:
        """Take a ticket out of every list, and its row back."""
        for held in (self._waiting, self._reading, self._writing):
            if ticket in held:
                held.remove(ticket)
        if ticket.row:
            self._rows.give_back(ticket.row)
            ticket.row = None

    def _fail_all(self, error: EngineError) -> None:
        for ticket in [*self._reading, *self._writing]:
            self._let_go(ticket)
            ticket.events.put(error)
        self._rows.forget()
