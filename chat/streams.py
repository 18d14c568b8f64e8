"""Follow a reply from any point: replay its log, go on live, or fall back on its row."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from django.utils import translation

from chat import events, failures
from chat.crossing import in_thread
from chat.errors import Internal
from chat.markdown import BlockStreamer, render
from chat.models import Message, MessageStatus
from chat.replay import Written, index_of_seq, start_index, written
from chat.writer import labels
from inference.types import FinishReason
from jobs import waiting
from jobs.errors import LogUnavailable
from jobs.event_log import Entry
from jobs.log import get_log
from jobs.models import Job

logger = logging.getLogger(__name__)

QUEUE_POLL_S = 2.0
QUEUE_FIRST_LOOK_S = 0.4
ROW_POLL_S = 10.0
RESYNC_S = 0.5
MISSED = -1  # in place of a seq: the log has a hole, only a snapshot helps

EventDict = Mapping[str, object]
_LAST = {events.ReplyFinish.type, events.ReplyError.type}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to go on: what to tell first, the log's index and the seq after which the rest comes."""

    told: list[EventDict]
    index: int
    seq: int
    is_over: bool = False


async def follow(reply: Message, after: int = 0) -> AsyncGenerator[EventDict, None]:
    """Yield the events of a reply that follow seq `after`, to the last one.

    Whoever joins late sees no gap and no repeat: what the log cannot replay comes as a snapshot.
    """
    place = await in_thread(_find_place)(reply, after)
    while True:
        for event in place.told:
            yield event
        if place.is_over:
            return
        seq = place.seq
        async with aclosing(_live(reply, place.index)) as live:
            async for event in live:
                came = event.get("seq")
                if event["type"] == events.ReplyDelta.type and isinstance(came, int):
                    if came <= seq:
                        continue
                    if came > seq + 1:
                        break
                seq = came if isinstance(came, int) else seq
                yield event
                if event["type"] in _LAST:
                    return
        # a piece is missing, or the log ended without its last event
        await asyncio.sleep(RESYNC_S)
        place = await in_thread(_find_place)(reply, MISSED)


def _find_place(reply: Message, after: int) -> _Place:
    """Return where a reader who has everything up to `after` goes on. Raises: Message.DoesNotExist."""
    entries = _replay(str(reply.pk))
    index = start_index(entries, after)
    if index is not None and after != MISSED:
        return _Place([], index, after)
    reply = Message.objects.get(pk=reply.pk)
    if reply.is_over:
        return _Place(from_row(reply), 0, reply.seq, is_over=True)
    if not entries:
        is_fresh = reply.attempt == 0
        return _Place([] if is_fresh else from_row(reply), 0, 0 if is_fresh else reply.seq)
    found = written(entries)
    if found.is_whole:
        return _Place(_so_far(str(reply.pk), found), entries[-1].index, found.seq)
    return _Place(from_row(reply), index_of_seq(entries, reply.seq), reply.seq)


def _so_far(key: str, found: Written) -> list[EventDict]:
    snapshot = events.ReplySnapshot(key, found.seq, found.text, found.blocks, "writing").to_dict()
    return [events.ReplySources(key, found.sources).to_dict(), snapshot] if found.sources else [snapshot]


def _replay(key: str) -> list[Entry]:
    try:
        return get_log().replay(key)
    except LogUnavailable as exc:
        logger.warning("reply %s: %s", key, exc)
        return []


async def _live(reply: Message, after: int) -> AsyncGenerator[EventDict, None]:
    """Yield log events; meanwhile tell the place in line, and notice an end that the log missed."""
    arrived: asyncio.Queue[EventDict | None] = asyncio.Queue(maxsize=64)

    async def read_log() -> None:
        async with aclosing(get_log().follow(str(reply.pk), after)) as entries:
            async for entry in entries:
                await arrived.put(entry.event)
        await arrived.put(None)

    async def watch_row() -> None:
        await _tell_position(reply, arrived)
        has_ended = False
        while not has_ended:
            has_ended = await in_thread(is_over)(reply)
            await asyncio.sleep(ROW_POLL_S)  # once over, the log has its time to say so itself
        await arrived.put(None)

    async def outlive(watch: Callable[[], Coroutine[None, None, None]]) -> None:
        """A reader waits for what these tell: an error now must not leave it waiting for ever."""
        while True:
            try:
                return await watch()
            except Exception:
                logger.exception("reply %s: trying again", reply.pk)
                await asyncio.sleep(ROW_POLL_S)

    async def end_on_error(read: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await read()
        except Exception:
            logger.exception("reply %s: its log cannot be followed", reply.pk)
            await arrived.put(None)

    tasks = [asyncio.create_task(end_on_error(read_log)), asyncio.create_task(outlive(watch_row))]
    try:
        while (event := await arrived.get()) is not None:
            yield event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_position(reply: Message, arrived: "asyncio.Queue[EventDict | None]") -> None:
    await asyncio.sleep(QUEUE_FIRST_LOOK_S)
    told: waiting.Position | None = None
    while position := await in_thread(_position)(reply):
        if position != told:
            event = events.ReplyQueued(str(reply.pk), position.position, position.eta_s)
            await arrived.put(event.to_dict())
            told = position
        await asyncio.sleep(QUEUE_POLL_S)


def _position(reply: Message) -> waiting.Position | None:
    job = Job.objects.filter(pk=reply.job).first() if reply.job else None
    return waiting.position(job) if job else None


def is_over(reply: Message) -> bool:
    """Say whether nothing more will be written, by the row as it is now."""
    return not Message.objects.filter(pk=reply.pk, status=MessageStatus.PENDING).exists()


def from_row(reply: Message) -> list[EventDict]:
    """Return what the row alone tells: sources, the text as a snapshot, and the end if it is over."""
    key = str(reply.pk)
    shown = render(reply.text, labels(reply.sources))
    if not reply.is_over:
        shown = BlockStreamer(labels(reply.sources)).feed(reply.text)
    blocks = [
        events.BlockItem(block=block.index, start=block.start, end=block.end, html=block.html)
        for block in shown
    ]
    state = reply.status if reply.is_over else "writing"
    told: list[EventDict] = [events.ReplySnapshot(key, reply.seq, reply.text, blocks, state).to_dict()]
    if reply.sources:
        told.insert(0, events.ReplySources(key, reply.sources).to_dict())
    if reply.status == MessageStatus.FAILED:
        code = reply.error_code or Internal.code
        with translation.override(reply.language or None):
            sentence = failures.sentence(code)
        told.append(events.ReplyError(key, code, sentence, failures.is_retryable(code)).to_dict())
    elif reply.is_over:
        told.append(_finish(reply))
    return told


def _finish(reply: Message) -> dict[str, object]:
    return events.ReplyFinish(
        message=str(reply.pk),
        seq=reply.seq,
        finish_reason=reply.finish_reason or FinishReason.STOP,
        text=reply.text,
        citations=reply.citations,
        grounding=reply.grounding,
        usage=reply.usage,
        timings=reply.timings,
        engine=reply.engine,
        model=reply.model,
        status=reply.status,
        nearest=reply.nearest,
        approved=reply.approved or None,
    ).to_dict()
