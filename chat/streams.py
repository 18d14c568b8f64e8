"""Follow a reply from any point: replay its log, go on live, or fall back on its row."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from django.utils import translation
from django.utils.translation import gettext as _

from chat import events
from chat.crossing import in_thread
from chat.errors import Internal
from chat.markdown import render
from chat.models import Message, MessageStatus
from chat.writer import labels
from inference.types import FinishReason
from jobs import queue
from jobs.errors import LogUnavailable
from jobs.log import Entry, get_log
from jobs.models import Job

logger = logging.getLogger(__name__)

QUEUE_POLL_S = 2.0
QUEUE_FIRST_LOOK_S = 0.4
ROW_POLL_S = 10.0

EventDict = Mapping[str, object]
_LAST = {events.ReplyFinish.type, events.ReplyError.type}


async def follow(reply: Message, after: int = 0) -> AsyncGenerator[EventDict, None]:
    """Yield the events of a reply that follow seq `after`, to the last one.

    Whoever joins late sees no gap and no repeat: what the log cannot replay comes as a snapshot.
    """
    entries = await in_thread(_replay)(str(reply.pk))
    is_fresh = not entries and reply.attempt == 0 and not reply.is_over
    start = 0 if is_fresh else _start_index(entries, after)
    if start is None:
        reply = await in_thread(Message.objects.get)(pk=reply.pk)
        for event in from_row(reply):
            yield event
        if reply.is_over:
            return
        start = entries[-1].index if entries else 0
    async with aclosing(_live(reply, start)) as live:
        async for event in live:
            yield event
            if event["type"] in _LAST:
                return
    reply = await in_thread(Message.objects.get)(pk=reply.pk)
    for event in from_row(reply):  # the log ended without its last event: it was lost
        yield event


def _replay(key: str) -> list[Entry]:
    try:
        return get_log().replay(key)
    except LogUnavailable as exc:
        logger.warning("reply %s: %s", key, exc)
        return []


def _start_index(entries: list[Entry], after: int) -> int | None:
    """Return the index to go on after; None where only a snapshot helps."""
    for entry in reversed(entries):
        if after and entry.event.get("seq") == after and entry.event["type"] == events.ReplyDelta.type:
            return entry.index
    if not entries:
        return None
    if after == 0 and entries[0].index == 1:
        return 0
    snapshots = [e.index for e in entries if e.event["type"] == events.ReplySnapshot.type]
    return snapshots[-1] - 1 if snapshots else None


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

    tasks = [asyncio.create_task(read_log()), asyncio.create_task(watch_row())]
    try:
        while (event := await arrived.get()) is not None:
            yield event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_position(reply: Message, arrived: "asyncio.Queue[EventDict | None]") -> None:
    await asyncio.sleep(QUEUE_FIRST_LOOK_S)
    told: queue.Position | None = None
    while position := await in_thread(_position)(reply):
        if position != told:
            event = events.ReplyQueued(str(reply.pk), position.position, position.eta_s)
            await arrived.put(event.to_dict())
            told = position
        await asyncio.sleep(QUEUE_POLL_S)


def _position(reply: Message) -> queue.Position | None:
    job = Job.objects.filter(pk=reply.job).first() if reply.job else None
    return queue.position(job) if job else None


def is_over(reply: Message) -> bool:
    """Say whether nothing more will be written, by the row as it is now."""
    return not Message.objects.filter(pk=reply.pk, status=MessageStatus.PENDING).exists()


def from_row(reply: Message) -> list[EventDict]:
    """Return what the row alone tells: sources, the text as a snapshot, and the end if it is over."""
    key = str(reply.pk)
    blocks = [
        events.BlockItem(block=block.index, start=block.start, end=block.end, html=block.html)
        for block in (render(reply.text, labels(reply.sources)) if reply.is_over else [])
    ]
    state = reply.status if reply.is_over else "writing"
    told: list[EventDict] = [events.ReplySnapshot(key, reply.seq, reply.text, blocks, state).to_dict()]
    if reply.sources:
        told.insert(0, events.ReplySources(key, reply.sources).to_dict())
    if reply.status == MessageStatus.FAILED:
        with translation.override(reply.language or None):
            sentence = _("The answer could not be finished. Your question is kept. Try again.")
        told.append(events.ReplyError(key, reply.error_code or Internal.code, sentence, True).to_dict())
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
    ).to_dict()
