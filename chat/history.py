"""What a conversation's page shows: the current branch of its tree, and the list of conversations by day.

Reads only; nothing here knows HTTP.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat import approving, failures
from chat.events import NearestItem
from chat.markdown import render_document
from chat.models import Conversation, Message, MessageRole
from chat.writer import labels

LISTED = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the page draws it. html: of a reply; data: what the evidence panel reads."""

    message: Message
    html: SafeString | None = None

    @property
    def is_reply(self) -> bool:
        """Whether the assistant wrote it."""
        return self.message.role == MessageRole.ASSISTANT

    @property
    def data(self) -> dict[str, object]:
        """The sources and citations of a reply."""
        return {"sources": self.message.sources, "citations": self.message.citations}

    @property
    def nearest(self) -> list[dict[str, object]]:
        """The documents nearest to an unanswered question; a path does not repeat its document's title."""
        return [{**item, "heading": _inside(item)} for item in self.message.nearest]

    @property
    def approved_at(self) -> datetime | None:
        """When staff approved what it says, None for any other reply."""
        return approving.approved_at(self.message)

    @property
    def reason(self) -> str:
        """Why a reply failed."""
        return failures.sentence(self.message.error_code)

    @property
    def seconds(self) -> float | None:
        """How long the reply took, None when nobody knows."""
        total = self.message.timings.get("total_s")
        return max(0.1, total) if isinstance(total, int | float) else None


def _inside(item: NearestItem) -> str:
    first, _arrow, rest = item["heading"].partition(" › ")
    return rest if first == item["title"] else item["heading"]


@dataclass(frozen=True, slots=True)
class Day:
    """Conversations that belong under one heading. key: "today", "yesterday", "month" or year-month."""

    key: str
    label: str
    conversations: list[Conversation]


def current_branch(messages: Sequence[Message]) -> list[Message]:
    """Return the branch that ends in the newest leaf, oldest first; `messages` in the order written."""
    by_id = {message.pk: message for message in messages}
    parents = {message.parent_id for message in messages}
    branch: list[Message] = []
    at: Message | None = next((one for one in reversed(messages) if one.pk not in parents), None)
    while at is not None:
        branch.append(at)
        at = _parent(at, by_id)
    return branch[::-1]


def _parent(message: Message, by_id: dict[UUID, Message]) -> Message | None:
    return by_id.get(message.parent_id) if message.parent_id is not None else None


def shown(conversation: Conversation) -> list[Shown]:
    """Return the messages of the current branch, replies as HTML; one that is being written is empty."""
    messages = list(conversation.messages.prefetch_related("attachments"))
    return [_shown(message) for message in current_branch(messages)]


def _shown(message: Message) -> Shown:
    if message.role == MessageRole.USER or not message.is_over:
        return Shown(message)
    return Shown(message, render_document(message.text, labels(message.sources)))


def by_day(conversations: Iterable[Conversation], today: date | None = None) -> list[Day]:
    """Group conversations, newest first, by the reader's calendar."""
    now = today or timezone.localdate()
    days: list[Day] = []
    for key, group in groupby(conversations, key=lambda one: _day_key(one, now)):
        found = list(group)
        days.append(Day(key, _day_label(key, found[0]), found))
    return days


def _day_key(conversation: Conversation, today: date) -> str:
    day = timezone.localtime(conversation.updated_at).date()
    if day >= today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    return "month" if (day.year, day.month) == (today.year, today.month) else f"{day:%Y-%m}"


def _day_label(key: str, newest: Conversation) -> str:
    names = {"today": _("Today"), "yesterday": _("Yesterday"), "month": _("This month")}
    return names.get(key) or _month_name(newest)


def _month_name(conversation: Conversation) -> str:
    return date_format(timezone.localtime(conversation.updated_at), "YEAR_MONTH_FORMAT")
