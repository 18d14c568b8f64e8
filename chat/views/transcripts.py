"""Other people's conversations, for support staff to read; each look is written down."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.models import User
from accounts.roles import is_support_staff
from chat import approving
from chat.events import SourceItem
from chat.forms import TranscriptSearchForm
from chat.markdown import render_document
from chat.models import Conversation, Message, MessageRole
from chat.writer import labels
from inference.types import FinishReason
from knowledge.access import manageable_collections, readable_collections

PAGE_SIZE = 30
_CITATION = re.compile(r"\s*\[\d{1,2}\]")


def _check_staff(request: HttpRequest) -> None:
    """Let support staff in. Raises: Http404 for anybody else."""
    if not is_support_staff(request.user):
        raise Http404


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def search(form: TranscriptSearchForm) -> QuerySet[Conversation]:
    """Find the conversations that match; an invalid field counts as not given."""
    form.full_clean()
    found = form.cleaned_data
    conversations = Conversation.objects.select_related("assistant", "user")
    if words := found.get("q"):
        said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=words)
        conversations = conversations.filter(Q(title__icontains=words) | Exists(said))
    if assistant := found.get("assistant"):
        conversations = conversations.filter(assistant=assistant)
    if since := found.get("since"):
        conversations = conversations.filter(updated_at__gte=_midnight(since))
    if until := found.get("until"):
        conversations = conversations.filter(updated_at__lt=_midnight(until + timedelta(days=1)))
    messages = Message.objects.filter(conversation=OuterRef("pk")).order_by()
    count = messages.values("conversation").annotate(total=Count("pk")).values("total")
    replies = messages.filter(role=MessageRole.ASSISTANT)
    last = replies.order_by("-created_at", "-pk")
    return conversations.annotate(
        message_count=Subquery(count),
        last_finish=Subquery(last.values("finish_reason")[:1]),
        last_error=Subquery(last.values("error_code")[:1]),
    )


@login_required
@require_safe
def transcript_list(request: HttpRequest) -> HttpResponse:
    """List conversations, newest first."""
    _check_staff(request)
    form = TranscriptSearchForm(request.GET)
    page = Paginator(search(form), PAGE_SIZE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {"form": form, "page": page, "query": query.urlencode(), "is_filtered": any(query.values())}
    return render(request, "review/list.html", context)


@dataclass(frozen=True, slots=True)
class Line:
    """A message as staff read it: its cited sources first, then those it only read."""

    message: Message
    cited: list[SourceItem]
    unused: list[SourceItem]
    question: Message | None = None
    previous: str = ""

    @property
    def html(self) -> SafeString:
        """The reply as its reader saw it; a citation leads to its source below this reply."""
        html = render_document(self.message.text, labels(self.message.sources or []))
        return SafeString(html.replace('href="#source-', f'href="#source-{self.message.pk}-'))

    @property
    def approved_at(self) -> datetime | None:
        """When staff approved what it says, None for any other reply."""
        return approving.approved_at(self.message)

    @property
    def may_be_approved(self) -> bool:
        """Whether it is a whole answer that a model wrote."""
        is_answer = self.message.finish_reason == FinishReason.STOP and bool(self.message.text.strip())
        return is_answer and self.question is not None and not self.message.approved

    @property
    def bare_text(self) -> str:
        """The reply without its citations, which stand for passages that an approved answer does not have."""
        return _CITATION.sub("", self.message.text)


def _line(message: Message, messages: Mapping[UUID, Message]) -> Line:
    question = messages.get(message.parent_id) if message.parent_id else None
    before = messages.get(question.parent_id) if question and question.parent_id else None
    asked = messages.get(before.parent_id) if before and before.parent_id else None
    sources: list[SourceItem] = message.sources or []
    numbers = {citation.get("n") for citation in message.citations or []}
    return Line(
        message,
        [source for source in sources if source.get("n") in numbers],
        [source for source in sources if source.get("n") not in numbers],
        question,
        asked.text if asked else "",
    )


@login_required
@require_safe
def transcript(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Show one conversation with the sources of its answers."""
    _check_staff(request)
    found = get_object_or_404(Conversation.objects.select_related("assistant", "user"), pk=conversation)
    audit.record(request, "transcript.view", f"conversation:{found.pk}")
    messages = {message.pk: message for message in found.messages.prefetch_related("attachments")}
    lines = [_line(message, messages) for message in messages.values()]
    collections = readable_collections(_reader(request)).filter(assistants=found.assistant_id)
    managed = manageable_collections(_reader(request)).filter(assistants=found.assistant_id)
    context = {"conversation": found, "lines": lines, "collections": collections, "managed": managed}
    return render(request, "review/transcript.html", context)


def _reader(request: HttpRequest) -> User | AnonymousUser:
    return request.user if isinstance(request.user, User) else AnonymousUser()
