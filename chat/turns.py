"""The verbs of a turn: start, regenerate, cancel. What a worker does then stands in replies.py."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat import approving, events, limits
from chat.attachments import keeping
from chat.endings import stop_unattended
from chat.errors import ChatError, ChatQueueFull, ConversationBusy, NotFound, StaleParent
from chat.models import Assistant, Attachment, Conversation, Message, MessageRole, MessageStatus
from chat.titles import title_of
from chat.visitors import Visitor
from jobs import queue, worker
from jobs.errors import LeaseLost, QueueFull
from jobs.models import JobState
from knowledge.models import ApprovedAnswer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn that is stored and queued. attachments: the question's. is_repeat: this send had come before."""

    reply: Message
    question: Message
    client_id: str
    attachments: tuple[Attachment, ...] = ()
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
            attachments=[attachment.item for attachment in self.attachments],
        )


def start_turn(
    visitor: Visitor,
    text: str,
    client_id: str,
    *,
    conversation_id: UUID | None = None,
    assistant_slug: str = "",
    parent_id: UUID | None = None,
    attachments: Sequence[UUID] = (),
    language: str = "",
    address: str = "",
) -> Accepted:
    """Store a question with its reply-to-be and queue the reply, all or nothing; write an approved answer.

    A client_id that came before returns the same turn. attachments: ids of the visitor's own pictures
    that were not sent yet. Raises: NotFound, StaleParent, AttachmentGone, TooManyImages,
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
            given = keeping.give_to(question, visitor, attachments)
            reply, entry = _reply_to(visitor, question)
    except (IntegrityError, ChatError):
        if repeat := _repeat_of_start(visitor, client_id):  # the same send, twice at the same moment
            return repeat
        raise
    _write_approved(reply, entry)
    return Accepted(reply, question, client_id, given)


def regenerate_turn(visitor: Visitor, message_id: UUID, client_id: str, address: str = "") -> Accepted:
    """Queue another reply beside one that is over. Raises: as start_turn."""
    old = Message.objects.for_visitor(visitor).filter(pk=message_id, role=MessageRole.ASSISTANT).first()
    if old is None or old.parent is None or not _may_talk(visitor, old.conversation):
        raise NotFound(f"reply {message_id}")
    if repeat := _repeat_of_regenerate(visitor, client_id):
        return repeat
    limits.check_rate(visitor, address)
    try:
        with transaction.atomic():
            _touch(old.conversation_id)
            _refuse_busy(old.conversation)
            reply, entry = _reply_to(visitor, old.parent, owner=visitor.owner, client_id=client_id)
    except (IntegrityError, ChatError):
        if repeat := _repeat_of_regenerate(visitor, client_id):
            return repeat
        raise
    _write_approved(reply, entry)
    return Accepted(reply, old.parent, client_id, tuple(old.parent.attachments.all()))


def _repeat_of_start(visitor: Visitor, client_id: str) -> Accepted | None:
    sent = Message.objects.filter(owner=visitor.owner, client_id=client_id).first()
    if sent is None:
        return None
    reply = sent.children.order_by("created_at").first()
    if reply is None or sent.role != MessageRole.USER:
        raise NotFound(f"send {client_id}")
    return Accepted(reply, sent, client_id, tuple(sent.attachments.all()), is_repeat=True)


def _repeat_of_regenerate(visitor: Visitor, client_id: str) -> Accepted | None:
    sent = Message.objects.filter(owner=visitor.owner, client_id=client_id).first()
    if sent is None:
        return None
    if sent.parent is None or sent.role != MessageRole.ASSISTANT:
        raise NotFound(f"send {client_id}")
    return Accepted(sent, sent.parent, client_id, tuple(sent.parent.attachments.all()), is_repeat=True)


def _conversation(visitor: Visitor, conversation_id: UUID | None, slug: str, text: str) -> Conversation:
    if conversation_id is not None:
        found = Conversation.objects.for_visitor(visitor).filter(pk=conversation_id).first()
        if found is None or not _may_talk(visitor, found):
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


def _may_talk(visitor: Visitor, conversation: Conversation) -> bool:
    """Whether its assistant is still there for the visitor; it may have been made private meanwhile."""
    return Assistant.objects.for_visitor(visitor).filter(pk=conversation.assistant_id).exists()


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


def _reply_to(
    visitor: Visitor, question: Message, *, owner: str = "", client_id: str = ""
) -> tuple[Message, ApprovedAnswer | None]:
    """Store the reply-to-be, and queue it unless staff approved an answer."""
    reply = Message(
        conversation_id=question.conversation_id,
        parent=question,
        role=MessageRole.ASSISTANT,
        status=MessageStatus.PENDING,
        owner=owner,
        client_id=client_id,
        language=question.language,
    )
    entry = approving.entry_for(question)
    if entry is None:
        reply.job = _queue(visitor, reply, question.conversation.assistant.engine or settings.ENGINE)
    reply.save()
    return reply, entry


def _write_approved(reply: Message, entry: ApprovedAnswer | None) -> None:
    if entry is None:
        return
    try:
        approving.write(reply, entry)
    except LeaseLost:
        logger.warning("reply %s was over before its approved answer", reply.pk)


def _queue(visitor: Visitor, reply: Message, engine: str) -> UUID:
    try:
        job = queue.enqueue(
            "reply", str(reply.pk), owner=visitor.owner, engine=engine, limit=settings.MAX_QUEUED_REPLIES
        )
    except QueueFull as exc:
        raise ChatQueueFull(exc.waiting, exc.room_in_s) from exc
    return job.pk


def cancel_turn(visitor: Visitor, message_id: UUID) -> None:
    """Stop a reply: queued, at once; running, within a step; over, nothing. Raises: NotFound."""
    reply = Message.objects.for_visitor(visitor).filter(pk=message_id, role=MessageRole.ASSISTANT).first()
    if reply is None:
        raise NotFound(f"reply {message_id}")
    if reply.is_over or reply.job is None:
        return
    if worker.cancel(reply.job) == JobState.CANCELLED:
        stop_unattended(reply)
