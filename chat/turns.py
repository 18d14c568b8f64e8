"""The verbs of a turn: start, regenerate, run, cancel, fail."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat import answering, events, limits
from chat.clock import Clock
from chat.endings import stop_unattended
from chat.errors import ChatError, ChatQueueFull, ConversationBusy, NotFound, StaleParent
from chat.loading import load_unless_stopped
from chat.models import Assistant, Conversation, Message, MessageRole, MessageStatus
from chat.prompts import Turn
from chat.sources import nearest_items, source_items
from chat.titles import title_of
from chat.visitors import Visitor
from chat.writer import ReplyWriter
from inference.conf import get_engine
from inference.engines.base import Engine
from inference.errors import EngineCrashed, EngineError
from inference.types import Delta, Finish, FinishReason, GenerationRequest, Usage
from jobs import queue, worker
from jobs.errors import QueueFull
from jobs.log import get_log
from jobs.models import JobState
from jobs.worker import Lease
from knowledge.errors import KnowledgeError
from knowledge.retrieval_types import SearchResult

logger = logging.getLogger(__name__)

HISTORY_TURNS = 3


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn that is stored and queued. is_repeat: this send had come before."""

    reply: Message
    question: Message
    client_id: str
    is_repeat: bool = False

    @property
    def event(self) -> events.TurnAccepted:
        """What the sender and other tabs are told."""
        return events.TurnAccepted(
            client_id=self.client_id,
            conversation=str(self.question.conversation_id),
            user_message=str(self.question.pk),
            message=str(self.reply.pk),
            text=self.question.text,
            parent=str(self.question.parent_id) if self.question.parent_id else None,
        )


def start_turn(
    visitor: Visitor,
    text: str,
    client_id: str,
    *,
    conversation_id: UUID | None = None,
    assistant_slug: str = "",
    parent_id: UUID | None = None,
    language: str = "",
    address: str = "",
) -> Accepted:
    """Store a question with its reply-to-be and queue the reply, all or nothing.

    A client_id that came before returns the same turn. Raises: NotFound, StaleParent,
    ConversationBusy, RateLimited, ChatQueueFull.
    """
    if repeat := _repeat_of_start(visitor, client_id):
        return repeat
    limits.check_rate(visitor, address)
    try:
        with transaction.atomic():
            conversation = _conversation(visitor, conversation_id, assistant_slug, text)
            question = Message.objects.create(
                conversation=conversation,
                parent=_parent(conversation, parent_id),
                role=MessageRole.USER,
                text=text,
                owner=visitor.owner,
                client_id=client_id,
                language=language,
            )
            reply = _queue_reply(visitor, question)
    except (IntegrityError, ChatError):
        if repeat := _repeat_of_start(visitor, client_id):  # the same send, twice at the same moment
            return repeat
        raise
    return Accepted(reply, question, client_id)


def regenerate_turn(visitor: Visitor, message_id: UUID, client_id: str, address: str = "") -> Accepted:
    """Queue another reply beside one that is over. Raises: as start_turn."""
    old = Message.objects.for_visitor(visitor).filter(pk=message_id, role=MessageRole.ASSISTANT).first()
    if old is None or old.parent is None:
        raise NotFound(f"reply {message_id}")
    if repeat := _repeat_of_regenerate(visitor, client_id):
        return repeat
    limits.check_rate(visitor, address)
    try:
        with transaction.atomic():
            _touch(old.conversation_id)
            _refuse_busy(old.conversation)
            reply = _queue_reply(visitor, old.parent, owner=visitor.owner, client_id=client_id)
    except (IntegrityError, ChatError):
        if repeat := _repeat_of_regenerate(visitor, client_id):
            return repeat
        raise
    return Accepted(reply, old.parent, client_id)


def _repeat_of_start(visitor: Visitor, client_id: str) -> Accepted | None:
    sent = Message.objects.filter(owner=visitor.owner, client_id=client_id).first()
    if sent is None:
        return None
    reply = sent.children.order_by("created_at").first()
    if reply is None or sent.role != MessageRole.USER:
        raise NotFound(f"send {client_id}")
    return Accepted(reply, sent, client_id, is_repeat=True)


def _repeat_of_regenerate(visitor: Visitor, client_id: str) -> Accepted | None:
    sent = Message.objects.filter(owner=visitor.owner, client_id=client_id).first()
    if sent is None:
        return None
    if sent.parent is None or sent.role != MessageRole.ASSISTANT:
        raise NotFound(f"send {client_id}")
    return Accepted(sent, sent.parent, client_id, is_repeat=True)


def _conversation(visitor: Visitor, conversation_id: UUID | None, slug: str, text: str) -> Conversation:
    if conversation_id is not None:
        found = Conversation.objects.for_visitor(visitor).filter(pk=conversation_id).first()
        if found is None:
            raise NotFound(f"conversation {conversation_id}")
        _touch(found.pk)
        _refuse_busy(found)
        return found
    assistant = Assistant.objects.for_visitor(visitor).filter(slug=slug).first()
    if assistant is None or not visitor.is_known:
        raise NotFound(f"assistant {slug}")
    return Conversation.objects.create(
        assistant=assistant, user_id=visitor.user_id, guest_key=visitor.guest_key, title=title_of(text)
    )


def _touch(conversation_id: UUID) -> None:
    """Note that something is said here; the row's lock also keeps a second send out until this is stored."""
    Conversation.objects.filter(pk=conversation_id).update(updated_at=timezone.now())


def _refuse_busy(conversation: Conversation) -> None:
    if conversation.messages.filter(status=MessageStatus.PENDING).exists():
        raise ConversationBusy(str(conversation.pk))


def _parent(conversation: Conversation, parent_id: UUID | None) -> Message | None:
    replies = conversation.messages.filter(role=MessageRole.ASSISTANT)
    if parent_id is None:
        return replies.order_by("created_at", "pk").last()
    parent = replies.filter(pk=parent_id).first()
    if parent is None:
        raise StaleParent(f"message {parent_id}")
    return parent


def _queue_reply(visitor: Visitor, question: Message, *, owner: str = "", client_id: str = "") -> Message:
    reply = Message(
        conversation_id=question.conversation_id,
        parent=question,
        role=MessageRole.ASSISTANT,
        status=MessageStatus.PENDING,
        owner=owner,
        client_id=client_id,
        language=question.language,
    )
    try:
        job = queue.enqueue("reply", str(reply.pk), owner=visitor.owner, limit=settings.MAX_QUEUED_REPLIES)
    except QueueFull as exc:
        raise ChatQueueFull(str(exc)) from exc
    reply.job = job.pk
    reply.save()
    return reply


def cancel_turn(visitor: Visitor, message_id: UUID) -> None:
    """Stop a reply: queued, at once; running, within a step; over, nothing. Raises: NotFound."""
    reply = Message.objects.for_visitor(visitor).filter(pk=message_id, role=MessageRole.ASSISTANT).first()
    if reply is None:
        raise NotFound(f"reply {message_id}")
    if reply.is_over or reply.job is None:
        return
    if worker.cancel(reply.job) == JobState.CANCELLED:
        stop_unattended(reply)


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
        writer.restart()
    with translation.override(reply.language or None):
        try:
            return _write_reply(reply, lease, writer)
        except (EngineError, KnowledgeError) as exc:
            logger.warning("reply %s failed: %s: %s", reply.pk, exc.code, exc)
            writer.fail(exc.code, _(str(exc.user_message)), is_retryable=exc.retryable)
            return JobState.FAILED


def _write_reply(reply: Message, lease: Lease, writer: ReplyWriter) -> JobState:
    clock = Clock(reply, lease.job)
    question = _question(reply)
    engine = get_engine(question.assistant.engine)
    if not engine.health().is_ready:
        writer.tell(events.ReplyPhase.WARMING_UP)
        load_unless_stopped(engine, lease.should_stop)
    if lease.should_stop():
        return _stop(writer, clock, engine)
    writer.tell(events.ReplyPhase.SEARCHING)
    result = answering.retrieve(question)
    clock.retrieved()
    writer.give_sources(source_items(result.passages))
    if lease.should_stop():
        return _stop(writer, clock, engine)
    if not result.is_answerable:
        return _refuse(question, result, writer, clock, engine)
    plan = answering.plan(question, result, engine)
    if plan.is_shortened:
        writer.tell(events.ReplyPhase.CONTEXT_SHORTENED)
    writer.tell(events.ReplyPhase.READING)
    finish = _stream(engine, plan.request, lease, writer)
    if _is_refusal(finish, writer, question):
        return _refuse(question, result, writer, clock, engine, finish.usage)
    writer.finish(
        finish.reason, finish.usage, clock.timings(writer.first_delta_at, finish.usage),
        engine=engine.name, model=engine.model, notice=_notice(engine),
    )  # fmt: skip
    return JobState.CANCELLED if finish.reason == FinishReason.CANCELLED else JobState.DONE


def _stream(engine: Engine, request: GenerationRequest, lease: Lease, writer: ReplyWriter) -> Finish:
    """Pass the engine's pieces on; an engine that crashes is tried once more, with the text anew."""

    def should_stop() -> bool:
        writer.tick()
        return lease.should_stop()

    try:
        return _pass_on(iter(engine.stream(request, should_stop=should_stop)), writer)
    except EngineCrashed as exc:
        logger.warning("engine crashed, trying once more: %s", exc)
    writer.restart()
    return _pass_on(iter(engine.stream(request, should_stop=should_stop)), writer)


def _pass_on(stream: Iterator[Delta | Finish], writer: ReplyWriter) -> Finish:
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


def _question(reply: Message) -> answering.Question:
    assert reply.parent is not None
    conversation = reply.conversation
    return answering.Question(
        text=reply.parent.text,
        reader=conversation.user or AnonymousUser(),
        assistant=conversation.assistant,
        history=_history(reply.parent),
        ui_language=reply.language,
    )


def _history(question: Message) -> tuple[Turn, ...]:
    """Return the turns before a question, oldest first, following the tree upwards."""
    turns: list[Turn] = []
    answer = question.parent
    while answer is not None and answer.parent is not None and len(turns) < HISTORY_TURNS:
        if answer.text and answer.status != MessageStatus.FAILED:
            passages = answering.prompt_passages(answer.sources)
            turns.append(Turn(question=answer.parent.text, answer=answer.text, passages=passages))
        answer = answer.parent.parent
    return tuple(reversed(turns))
