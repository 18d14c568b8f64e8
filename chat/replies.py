"""Write the reply of a claimed job: retrieve, ask the engine, pass its words on, say how it ended."""

import logging
from collections.abc import Iterator

from django.contrib.auth.models import AnonymousUser
from django.utils import translation
from django.utils.translation import gettext as _

from chat import answering, events, failures, summarising
from chat.attachments.keeping import images_of
from chat.clock import Clock
from chat.continuing import rest_of
from chat.loading import load_unless_stopped
from chat.models import Message, MessageStatus
from chat.prompts import Turn
from chat.sources import nearest_items, source_items
from chat.writer import ReplyWriter
from inference.conf import get_engine
from inference.engines.base import Engine
from inference.errors import CannotContinue, EngineCrashed, EngineError, ImagesNotSupported
from inference.types import Finish, FinishReason, GenerationRequest, ShouldStop, StreamEvent, Usage
from jobs.errors import LeaseLost
from jobs.log import get_log
from jobs.models import JobState
from jobs.worker import Lease
from knowledge.errors import KnowledgeError
from knowledge.retrieval_types import SearchResult

logger = logging.getLogger(__name__)

HISTORY_TURNS = 3


def run_turn(lease: Lease) -> JobState:
    """Write the reply of a claimed job. Raises: LeaseLost; anything unexpected."""
    reply = (
        Message.objects.select_related("conversation__assistant", "conversation__user", "parent")
        .filter(pk=lease.job.subject, status=MessageStatus.PENDING)
        .first()
    )
    if reply is None:  # deleted, or finished by an attempt that died right after
        get_log().close(lease.job.subject)
        return JobState.DONE
    writer = ReplyWriter(reply, lease.job.attempt)
    if lease.job.attempt > 1:
        writer.take_over()
    with translation.override(reply.language or None):
        try:
            return _write_reply(reply, lease, writer)
        except LeaseLost:  # most often a process that ends
            writer.keep()
            raise
        except (EngineError, KnowledgeError) as exc:
            logger.warning("reply %s failed: %s: %s", reply.pk, exc.code, exc)
            writer.fail(exc.code, failures.sentence(exc.code), is_retryable=exc.retryable)
            return JobState.FAILED


def _write_reply(reply: Message, lease: Lease, writer: ReplyWriter) -> JobState:
    clock = Clock(reply, lease.job)
    engine = get_engine(reply.conversation.assistant.engine)
    _make_ready(reply, engine, lease, writer)
    question = _question(reply, sees_images=engine.sees_images)
    if lease.should_stop():
        return _stop(writer, clock, engine)
    if wanted := summarising.find_wanted(question, reply):
        return summarising.write(wanted, engine, lease, writer, clock)
    writer.tell(events.ReplyPhase.SEARCHING)
    result = answering.retrieve(question)
    clock.retrieved()
    found = answering.usable(question, result)
    writer.give_sources(source_items((found or result).passages))
    if lease.should_stop():
        return _stop(writer, clock, engine)
    if found is None:
        return _refuse(question, result, writer, clock, engine)
    plan = answering.plan(question, found, engine)
    if plan.is_shortened:
        writer.tell(events.ReplyPhase.CONTEXT_SHORTENED)
    writer.tell(events.ReplyPhase.READING)
    try:
        finish = _stream(engine, plan.request, lease, writer)
    except ImagesNotSupported:
        if question.images:
            raise
        question = question.without_earlier_pictures()  # only now it said so
        if answering.usable(question, result) is None:
            return _refuse(question, result, writer, clock, engine)
        blind = answering.plan(question, found, engine)
        finish = _stream(engine, blind.request, lease, writer)
    if _is_refusal(finish, writer, question):
        return _refuse(question, result, writer, clock, engine, finish.usage)
    writer.finish(
        finish.reason, finish.usage, clock.timings(writer.first_delta_at, finish.usage),
        engine=engine.name, model=engine.model, notice=_notice(engine),
    )  # fmt: skip
    return JobState.CANCELLED if finish.reason == FinishReason.CANCELLED else JobState.DONE


def _make_ready(reply: Message, engine: Engine, lease: Lease, writer: ReplyWriter) -> None:
    """Load the engine, and keep pictures from one that reads text only. Raises: EngineError."""
    _refuse_if_blind(reply, engine)
    if not engine.health().is_ready:
        writer.tell(events.ReplyPhase.WARMING_UP)
        load_unless_stopped(engine, lease.should_stop)
    _refuse_if_blind(reply, engine)  # a server may have said only now what it sees


def _refuse_if_blind(reply: Message, engine: Engine) -> None:
    assert reply.parent is not None
    if not engine.sees_images and reply.parent.attachments.exists():
        raise ImagesNotSupported(f"{engine.name} {engine.model}")


def _stream(engine: Engine, request: GenerationRequest, lease: Lease, writer: ReplyWriter) -> Finish:
    """Pass the engine's pieces on; an engine that crashes is asked once more, for the rest."""

    def should_stop() -> bool:
        writer.tick()
        return lease.should_stop()

    try:
        return _write_on(engine, request, writer, should_stop)
    except EngineCrashed as exc:
        logger.warning("engine crashed, going on once more: %s", exc)
    return _write_on(engine, request, writer, should_stop)


def _write_on(
    engine: Engine, request: GenerationRequest, writer: ReplyWriter, should_stop: ShouldStop
) -> Finish:
    """Have the engine continue the text so far; where it cannot, the text begins anew."""
    if text := writer.settle():
        if engine.can_continue:
            rest = rest_of(request, text, engine)
            if rest.is_none:
                return rest.counted(Finish(FinishReason.LENGTH))
            try:
                return rest.counted(_pass_on(engine.stream(rest.request, should_stop=should_stop), writer))
            except CannotContinue as exc:
                logger.info("reply %s begins anew: %s", writer.reply.pk, exc)
        writer.restart()
    return _pass_on(engine.stream(request, should_stop=should_stop), writer)


def _pass_on(stream: Iterator[StreamEvent], writer: ReplyWriter) -> Finish:
    for event in stream:
        if isinstance(event, Finish):
            return event
        writer.push(event.text)
    raise EngineCrashed("the stream ended without a finish")


def _is_refusal(finish: Finish, writer: ReplyWriter, question: answering.Question) -> bool:
    """Whether the engine found nothing, in its finish reason or by writing the refusal sentence."""
    if finish.reason == FinishReason.CANCELLED:
        return False
    written = " ".join(writer.full_text().split())
    return not written or written == " ".join(question.refusal.split())


def _refuse(
    question: answering.Question,
    result: SearchResult,
    writer: ReplyWriter,
    clock: Clock,
    engine: Engine,
    usage: Usage | None = None,
) -> JobState:
    """Say that the documents hold no answer, and name the nearest."""
    if not writer.full_text():
        writer.push(question.refusal or _("I found nothing in the documents about this, so I won’t guess."))
    usage = usage or Usage()
    writer.finish(
        FinishReason.NO_ANSWER, usage, clock.timings(writer.first_delta_at, usage),
        engine=engine.name, model=engine.model, nearest=nearest_items(result.passages),
    )  # fmt: skip
    return JobState.DONE


def _stop(writer: ReplyWriter, clock: Clock, engine: Engine) -> JobState:
    """End a reply that was stopped before its first word."""
    usage = Usage()
    timings = clock.timings(writer.first_delta_at, usage)
    writer.finish(FinishReason.CANCELLED, usage, timings, engine=engine.name, model=engine.model)
    return JobState.CANCELLED


def _notice(engine: Engine) -> str:
    if engine.name != "extractive":
        return ""
    return _("No language model is installed, so this answer quotes the documents word for word.")


def _question(reply: Message, *, sees_images: bool = True) -> answering.Question:
    assert reply.parent is not None
    conversation = reply.conversation
    return answering.Question(
        text=reply.parent.text,
        reader=conversation.user or AnonymousUser(),
        assistant=conversation.assistant,
        history=_history(reply.parent, with_images=sees_images),
        ui_language=reply.language,
        images=images_of(reply.parent),
    )


def _history(question: Message, *, with_images: bool) -> tuple[Turn, ...]:
    """Return the turns before a question, oldest first, following the tree upwards."""
    turns: list[Turn] = []
    answer = question.parent
    while answer is not None and answer.parent is not None and len(turns) < HISTORY_TURNS:
        if answer.text and answer.status != MessageStatus.FAILED:
            passages = answering.prompt_passages(answer.sources)
            images = images_of(answer.parent, is_history=True) if with_images else ()
            turns.append(Turn(answer.parent.text, answer.text, passages, images))
        answer = answer.parent.parent
    return tuple(reversed(turns))
