"""Write one reply: events to its log, checkpoints and the final text to its row.

Invariant: the text of the row equals the deltas joined. A writer whose attempt is not the newest is shut
out by log and row alike and raises LeaseLost.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import close_old_connections
from django.utils import timezone

from chat import events
from chat.citations import CitationFilter, citations
from chat.cited import remember
from chat.events import ApprovedItem, NearestItem, SourceItem, TimingsItem, UsageItem
from chat.markdown import Block, BlockStreamer, SourceLabel
from chat.models import Message, MessageStatus
from chat.replay import Written, has_all, written
from inference.types import FinishReason, Usage
from jobs.errors import LeaseLost, LogUnavailable
from jobs.log import get_log

logger = logging.getLogger(__name__)

EventDict = Mapping[str, object]

QUIET_S = 0.025
CHECKPOINT_S = 2.0
SEQ_LEAP = 1000


def labels(sources: Sequence[SourceItem]) -> list[SourceLabel]:
    """Return what a citation chip shows of each source."""
    return [SourceLabel(item["n"], item["page"], item["title"]) for item in sources]


class ReplyWriter:
    """Writes the reply of one attempt. `push` and `tick` may come from different threads."""

    def __init__(self, reply: Message, attempt: int) -> None:
        """Take the row over for this attempt. Raises: LeaseLost."""
        taken = Message.objects.filter(
            pk=reply.pk, status=MessageStatus.PENDING, attempt__lte=attempt
        ).update(attempt=attempt)
        if not taken:
            raise LeaseLost(f"reply {reply.pk} attempt {attempt}")
        self.reply = reply
        self.attempt = attempt
        self.seq = reply.seq
        self.text = ""
        self.first_delta_at: datetime | None = None
        self._had_writer = reply.attempt > 0
        self._is_timed = True
        self._key = str(reply.pk)
        self._sources: list[SourceItem] = []
        self._lock = threading.RLock()
        self._log_is_stale = False
        self._begin_with("")

    def _begin_with(self, text: str, blocks: Sequence[events.BlockItem] = ()) -> list[EventDict]:
        """Take a text as written, of which these blocks were told; return the events of the others."""
        self.text, self._waiting = text, ""
        self._blocks = list(blocks)
        self._filter = CitationFilter(len(self._sources), after=text)
        self._streamer = BlockStreamer(labels(self._sources))
        self._sent_at = 0.0
        self._saved_at = time.monotonic()
        return self._block_events(self._streamer.feed(text)) if text else []

    def full_text(self) -> str:
        """Return all the text so far, what waits to be sent included."""
        with self._lock:
            return self.text + self._waiting

    def restart(self) -> None:
        """Begin the text anew, in front of whoever reads: where an engine cannot continue it."""
        with self._lock:
            self._begin_with("")
            self._append(self._leap())

    def take_over(self) -> None:
        """Go on where an attempt before this one stopped.

        The first event shuts that attempt out of the log; only then does the log stand still.
        """
        self.tell(events.ReplyPhase.WARMING_UP)
        self.recover()

    def recover(self) -> None:
        """Take up what was written: without a word where the log has all of it, else with a snapshot."""
        self.reply.refresh_from_db(fields=["text", "seq", "sources"])
        try:
            found = written(get_log().replay(self._key))
        except LogUnavailable:
            found = Written()
        with self._lock:
            self._sources = found.sources or list(self.reply.sources)
            if has_all(found, self.reply.seq):
                self.seq = found.seq
                told = self._begin_with(found.text, found.blocks)
            else:
                self._begin_with(self.reply.text)
                self.seq = max(found.seq, self.reply.seq)
                told = self._leap() if self._had_writer else []
            self._is_timed = not self.text
            if told:
                self._append(told)

    def settle(self) -> str:
        """Send what waits, forget what was held back, and return the text that an engine is to continue."""
        with self._lock:
            self._flush()
            self._filter = CitationFilter(len(self._sources), after=self.text)
            return self.text

    def keep(self) -> None:
        """Save what was sent, for whoever goes on with it. Raises: LeaseLost (somebody does already)."""
        with self._lock:
            self._save_text()

    def tell(self, phase: events.ReplyPhase, part: int | None = None, parts: int | None = None) -> None:
        """Say what happens before the first word, and in which of how many parts."""
        if not self.text:
            self._append([events.ReplyState(self._key, phase, part, parts).to_dict()])

    def give_sources(self, sources: list[SourceItem]) -> None:
        """Show the passages, and accept citations of them from now on.

        A text that was taken over stays where it was written from the same ones, else it begins anew.
        """
        with self._lock:
            if sources and _chunks(sources) == _chunks(self._sources):
                return
            has_text, self._sources = bool(self.text), sources
            self._begin_with("")
            self._append(self._leap() if has_text else [self._sources_event()])

    def push(self, raw: str) -> None:
        """Take a piece of the engine's text: sent at once after a quiet moment, else gathered until then."""
        with self._lock:
            self._waiting += self._filter.feed(raw)
            self._flush_if_due()

    def tick(self) -> None:
        """Send what has waited long enough; the engine's stop check calls this while it computes."""
        with self._lock:
            self._flush_if_due()

    def _flush_if_due(self) -> None:
        if self._waiting and time.monotonic() - self._sent_at >= QUIET_S:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        piece, self._waiting = self._waiting, ""
        self.text += piece
        self.seq += 1
        if self._is_timed:  # else its first words were somebody else's
            self.first_delta_at = self.first_delta_at or timezone.now()
        told: list[EventDict] = [events.ReplyDelta(self._key, self.seq, piece).to_dict()]
        told += self._block_events(self._streamer.feed(self.text))
        self._append(told)
        self._sent_at = time.monotonic()
        if self._sent_at - self._saved_at >= CHECKPOINT_S:
            self._saved_at = self._sent_at
            self._save_text()

    def _save_text(self) -> None:
        self._save(text=self.text, seq=self.seq, sources=self._sources)

    def finish(
        self,
        reason: FinishReason,
        usage: Usage,
        timings: TimingsItem,
        *,
        engine: str,
        model: str,
        notice: str = "",
        nearest: Sequence[NearestItem] = (),
        approved: ApprovedItem | None = None,
    ) -> None:
        """End the reply: the row first, then the event, then the log. Raises: LeaseLost."""
        with self._lock:
            self._waiting += self._filter.finish()
            self._flush()
            status = MessageStatus.STOPPED if reason == FinishReason.CANCELLED else MessageStatus.DONE
            counted = UsageItem(
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                cached_tokens=usage.cached_tokens,
            )
            cited = citations(self.text, self._sources)
            self._save(
                status=status, text=self.text, seq=self.seq, sources=self._sources, citations=cited,
                usage=counted, timings=timings, finish_reason=reason, engine=engine, model=model,
                nearest=list(nearest), approved=approved or {}, finished_at=timezone.now(),
            )  # fmt: skip
            remember(self.reply, cited, self._sources)
            event = events.ReplyFinish(
                message=self._key, seq=self.seq, finish_reason=reason, text=self.text, citations=cited,
                grounding=[], usage=counted, timings=timings, engine=engine, model=model, status=status,
                notice=notice, nearest=list(nearest), approved=approved,
            )  # fmt: skip
            rest = self._block_events(self._streamer.finish(self.text))
            self._end([*rest, event.to_dict()])

    def fail(self, code: str, user_message: str, *, is_retryable: bool) -> None:
        """End the reply as failed; what was written stays. Raises: LeaseLost."""
        with self._lock:
            self._waiting += self._filter.finish()
            self._flush()
            cited = citations(self.text, self._sources)
            self._save(
                status=MessageStatus.FAILED, text=self.text, seq=self.seq, sources=self._sources,
                citations=cited, error_code=code, finished_at=timezone.now(),
            )  # fmt: skip
            remember(self.reply, cited, self._sources)
            event = events.ReplyError(self._key, code, user_message, is_retryable)
            self._end([*self._block_events(self._streamer.finish(self.text)), event.to_dict()])

    def _block_events(self, blocks: Sequence[Block]) -> list[EventDict]:
        told: list[EventDict] = []
        for block in blocks:
            if block.index < len(self._blocks):
                continue  # told by an attempt before
            self._blocks.append(
                events.BlockItem(block=block.index, start=block.start, end=block.end, html=block.html)
            )
            event = events.ReplyBlock(self._key, block.index, block.start, block.end, block.html)
            told.append(event.to_dict())
        return told

    def _save(self, **values: object) -> None:
        rows = Message.objects.filter(pk=self.reply.pk, attempt=self.attempt, status=MessageStatus.PENDING)
        if not rows.update(**values):
            self._close_if_deleted()
            raise LeaseLost(f"reply {self._key} attempt {self.attempt}")
        close_old_connections()  # a reply takes long; it must not hold a connection of the pool meanwhile

    def _close_if_deleted(self) -> None:
        if Message.objects.filter(pk=self.reply.pk).exists():
            return
        try:
            get_log().close(self._key)
        except LogUnavailable as exc:
            logger.warning("reply %s: event log away after its deletion: %s", self._key, exc)

    def _leap(self) -> list[EventDict]:
        """Return what puts every reader in the same place.

        `seq` leaps: a reader who was told more than the row or the log kept must not take a piece of
        the text to come for one it has.
        """
        self.seq += SEQ_LEAP
        return [self._sources_event(), self._snapshot()]

    def _snapshot(self) -> EventDict:
        return events.ReplySnapshot(self._key, self.seq, self.text, list(self._blocks), "writing").to_dict()

    def _append(self, told: list[EventDict]) -> None:
        """Add to the log. A log that is away is made good by a snapshot once it is back."""
        if self._log_is_stale:
            told = [self._sources_event(), self._snapshot(), *[event for event in told if _ends(event)]]
        try:
            is_mine = get_log().append(self._key, self.attempt, told)
        except LogUnavailable as exc:
            logger.warning("reply %s: event log away: %s", self._key, exc)
            self._log_is_stale = True
            return
        self._log_is_stale = False
        if not is_mine:
            raise LeaseLost(f"reply {self._key} attempt {self.attempt}")

    def _sources_event(self) -> EventDict:
        return events.ReplySources(self._key, self._sources).to_dict()

    def _end(self, told: list[EventDict]) -> None:
        self._append(told)
        try:
            get_log().close(self._key)
        except LogUnavailable as exc:
            logger.warning("reply %s: event log away at its end: %s", self._key, exc)


def _chunks(sources: Sequence[SourceItem]) -> list[tuple[int, str, str]]:
    return [(item["n"], item["chunk"], item["chunk_sha256"]) for item in sources]


def _ends(event: EventDict) -> bool:
    return event["type"] in {events.ReplyFinish.type, events.ReplyError.type}
