"""Assistants, conversations, the tree of messages in each, and the pictures sent with them."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from chat.cited import CitedSource as CitedSource
from chat.events import AttachmentItem
from chat.visitors import Visitor

if TYPE_CHECKING:
    from django.db.models import QuerySet


class AssistantQuerySet(models.QuerySet["Assistant"]):
    """The only door to assistants."""

    def for_visitor(self, visitor: Visitor) -> "QuerySet[Assistant]":
        """Those the visitor may talk to: public ones, and all of them once signed in."""
        return self if visitor.user_id is not None else self.filter(is_public=True)


class Assistant(models.Model):
    """Who answers, from which documents, in which voice.

    language: answers in this language; empty = in the question's. engine: an alias of
    inference.conf.available_engines(); empty = the site's. refusal, greeting, description and
    placeholder hold one text per language code ("" = any other); starters a list of
    {"text", "hint"} per language code.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=12, blank=True)
    instructions = models.TextField(_("instructions"), blank=True)
    description = models.JSONField(_("description"), default=dict, blank=True)
    greeting = models.JSONField(_("greeting"), default=dict, blank=True)
    placeholder = models.JSONField(_("placeholder"), default=dict, blank=True)
    refusal = models.JSONField(_("refusal sentence"), default=dict, blank=True)
    starters = models.JSONField(_("starters"), default=dict, blank=True)
    collections = models.ManyToManyField(
        "knowledge.Collection", blank=True, related_name="assistants", verbose_name=_("collections")
    )
    engine = models.CharField(_("model"), max_length=40, blank=True)
    is_public = models.BooleanField(_("public"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssistantQuerySet.as_manager()

    class Meta:
        """In the order they were made."""

        ordering: ClassVar[list[str]] = ["created_at", "pk"]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    def localized(self, field: str, language: str = "") -> str:
        """Return a per-language text in the language asked for, else the reader's, else any."""
        texts: dict[str, str] = getattr(self, field) or {}
        for code in (language, get_language() or "", "", "en"):
            if texts.get(code):
                return texts[code]
        return next((text for text in texts.values() if text), "")

    def starters_for(self, language: str = "") -> list[dict[str, str]]:
        """Return the starters in the language asked for, else the reader's, else English."""
        starters: dict[str, list[dict[str, str]]] = self.starters or {}
        for code in (language, get_language() or "", "", "en"):
            if starters.get(code):
                return starters[code]
        return []


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """The only door to conversations."""

    def for_visitor(self, visitor: Visitor) -> "QuerySet[Conversation]":
        """Those that belong to the visitor: by account, or by the browser's session for a guest."""
        if visitor.user_id is not None:
            return self.filter(user_id=visitor.user_id)
        if visitor.guest_key:
            return self.filter(user=None, guest_key=visitor.guest_key)
        return self.none()


class Conversation(models.Model):
    """One chat of one person with one assistant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="conversations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conversations",
    )
    guest_key = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        """Newest first; it belongs to an account or to a guest, never to both or nobody."""

        ordering: ClassVar[list[str]] = ["-updated_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "-updated_at"], name="conversation_user"),
            models.Index(fields=["guest_key", "-updated_at"], name="conversation_guest"),
            models.Index(fields=["-updated_at"], name="conversation_recent"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_key="") | (Q(user__isnull=True) & ~Q(guest_key="")),
                name="conversation_one_owner",
            )
        ]

    def __str__(self) -> str:
        """Show the title, else the id."""
        return self.title or str(self.id)


class MessageRole(models.TextChoices):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(models.TextChoices):
    """How a message stands. A user's message is done from the start."""

    PENDING = "pending"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class MessageQuerySet(models.QuerySet["Message"]):
    """The only door to messages."""

    def for_visitor(self, visitor: Visitor) -> "QuerySet[Message]":
        """Those in the visitor's conversations."""
        return self.filter(conversation__in=Conversation.objects.for_visitor(visitor))


class Message(models.Model):
    """One message. Every message but the first has a parent; siblings are edits and regenerations.

    owner, client_id: who sent it and the sender's own id for it, which makes a send idempotent;
    only on user messages and on regenerated replies. text of a reply: the deltas joined, exactly.
    sources, nearest, citations, grounding, usage, timings, approved: as in the protocol's events, approved
    empty where a model wrote it. finish_reason: empty until it is over. attempt: of the job that wrote the
    text; seq: of its last delta.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    role = models.CharField(max_length=12, choices=MessageRole.choices)
    status = models.CharField(max_length=12, choices=MessageStatus.choices, default=MessageStatus.DONE)
    text = models.TextField(blank=True)
    owner = models.CharField(max_length=80, blank=True)
    client_id = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=12, blank=True)
    sources = models.JSONField(default=list, blank=True)
    nearest = models.JSONField(default=list, blank=True)
    citations = models.JSONField(default=list, blank=True)
    grounding = models.JSONField(default=list, blank=True)
    approved = models.JSONField(default=dict, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    timings = models.JSONField(default=dict, blank=True)
    finish_reason = models.CharField(max_length=12, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    seq = models.PositiveIntegerField(default=0)
    job = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        """In the order they were written; a sender's id names one message."""

        ordering: ClassVar[list[str]] = ["created_at", "pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["conversation", "created_at"], name="message_order"),
            models.Index(fields=["status", "created_at"], name="message_open"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["owner", "client_id"], condition=~Q(client_id=""), name="message_sent_once"
            )
        ]

    def __str__(self) -> str:
        """Name role and id."""
        return f"{self.role} {self.id}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be written."""
        return self.status != MessageStatus.PENDING


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """The only door to attachments."""

    def for_visitor(self, visitor: Visitor) -> "AttachmentQuerySet":
        """Those the visitor has uploaded; the same rule as for conversations."""
        if visitor.user_id is not None:
            return self.filter(user_id=visitor.user_id)
        if visitor.guest_key:
            return self.filter(user=None, guest_key=visitor.guest_key)
        return self.none()

    def unsent(self) -> "AttachmentQuerySet":
        """Those that belong to no question yet."""
        return self.filter(message=None)


class Attachment(models.Model):
    """A picture, checked and encoded anew by us. The row comes before its file and goes before it.

    message: the question it was sent with, None until then; position: its place there. name: what its
    owner called the upload. size_bytes, sha256, width, height: of our own file, in pixels.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    guest_key = models.CharField(max_length=64, blank=True)
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        """In the order they stand in their question; one owner, as a conversation has."""

        ordering: ClassVar[list[str]] = ["position", "created_at", "pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["created_at"], condition=Q(message=None), name="attachment_unsent"),
            models.Index(fields=["guest_key"], condition=~Q(guest_key=""), name="attachment_guest"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_key="") | (Q(user__isnull=True) & ~Q(guest_key="")),
                name="attachment_one_owner",
            )
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    @property
    def path(self) -> Path:
        """Where its file is."""
        ending = "jpg" if self.media_type == "image/jpeg" else "png"
        return Path(settings.MEDIA_ROOT) / "attachments" / f"{self.pk}.{ending}"

    @property
    def url(self) -> str:
        """Where its owner, and staff, see it."""
        return reverse("chat:attachment", args=[self.pk])

    @property
    def item(self) -> AttachmentItem:
        """What a page is told about it."""
        return AttachmentItem(
            id=str(self.pk), name=self.name, width=self.width, height=self.height, url=self.url
        )
