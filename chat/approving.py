"""Answer a question with what staff approved for it: at once, without a worker, an engine or the queue."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat.answering import Question
from chat.events import ApprovedItem, TimingsItem
from chat.models import Message
from chat.sources import source_items
from chat.writer import ReplyWriter
from inference.types import FinishReason, Usage
from knowledge import approved
from knowledge.models import ApprovedAnswer

ENGINE = "approved"  # in place of an engine's name


def entry_for(question: Message) -> ApprovedAnswer | None:
    """Find the approved answer to a question, by its own words alone; a question with pictures has none."""
    if question.attachments.exists():
        return None
    conversation = question.conversation
    reader = conversation.user or AnonymousUser()
    asked = Question(question.text, reader, conversation.assistant, ui_language=question.language)
    return approved.find(
        question.text,
        user=reader,
        collections=conversation.assistant.collections.all(),
        language=asked.language,
    )


def write(reply: Message, entry: ApprovedAnswer) -> None:
    """Write an approved answer as the reply, with its document as its source. Raises: LeaseLost."""
    writer = ReplyWriter(reply, attempt=1)
    place = approved.place_of(entry, reply.conversation.user or AnonymousUser())
    if place:
        writer.give_sources(source_items([place]))
    writer.push(_citing(entry.text) if place else entry.text)
    writer.settle()
    writer.finish(
        FinishReason.STOP, Usage(), _timings(reply, writer), engine=ENGINE, model="",
        approved=ApprovedItem(id=entry.pk, at=entry.approved_at.isoformat()),
    )  # fmt: skip


def approved_at(reply: Message) -> datetime | None:
    """Tell when staff approved what a reply says; None where it is no approved answer."""
    at = (reply.approved or {}).get("at")
    return parse_datetime(at) if isinstance(at, str) else None


def _citing(text: str) -> str:
    """Name the only source where the text does not do so itself; after a table or code, on a line below."""
    if "[1]" in text:
        return text
    is_prose = not text.rstrip().rsplit("\n", 1)[-1].lstrip().startswith(("|", "```", "~~~", "$$"))
    return text.rstrip() + (" [1]" if is_prose else "\n\n[1]")


def _timings(reply: Message, writer: ReplyWriter) -> TimingsItem:
    now = timezone.now()
    first = writer.first_delta_at
    return TimingsItem(
        queued_s=0.0,
        retrieval_s=None,
        first_token_s=round((first - reply.created_at).total_seconds(), 3) if first else None,
        total_s=round((now - reply.created_at).total_seconds(), 3),
        tokens_per_s=None,
    )
