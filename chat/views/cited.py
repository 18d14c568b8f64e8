"""Answers that cited a document: a part of that document's page, and a page of its own without scripts."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.models import User
from accounts.roles import is_support_staff
from chat.cited import citing, count_by_text, count_replies
from chat.events import SourceItem
from chat.models import Message
from knowledge.access import manageable_collections, readable_collections
from knowledge.models import Document
from knowledge.views.shown import number_of

PAGE_SIZE = 20
MOST_CHUNKS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with the sources of this document that it cites."""

    message: Message
    sources: list[SourceItem]

    @property
    def question(self) -> str:
        """What was asked."""
        return self.message.parent.text if self.message.parent else ""


@login_required
@require_safe
@never_cache
def cited(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """List the answers that cite a document, for support staff who may read it."""
    if not is_support_staff(request.user) or not isinstance(request.user, User):
        raise Http404
    readable = readable_collections(request.user)
    document = get_object_or_404(Document, pk=document_id, collection__in=readable)
    audit.record(request, "transcript.cited", f"document:{document.pk}")
    page = Paginator(citing(document.pk), PAGE_SIZE).get_page(request.GET.get("page"))
    answers = _answers([reply for _at, reply in page.object_list], document)
    is_part = bool(request.headers.get("HX-Request"))
    template = "review/_cited.html" if is_part else "review/cited.html"
    context = {"document": document, "page": page, "answers": answers, "is_part": is_part}
    return render(request, template, context)


def _answers(ids: list[UUID], document: Document) -> list[Answer]:
    found = Message.objects.select_related("conversation__assistant", "parent").in_bulk(ids)
    return [Answer(found[pk], _sources(found[pk], document)) for pk in ids if pk in found]


def _sources(message: Message, document: Document) -> list[SourceItem]:
    numbers = {citation["n"] for citation in message.citations or []}
    sources: list[SourceItem] = message.sources or []
    return [one for one in sources if one["document"] == str(document.pk) and one["n"] in numbers]


@login_required
@require_safe
@never_cache
def counts(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Say how often a document and each of its chunks on the page is cited; for who manages it."""
    person = request.user
    manageable = manageable_collections(person) if isinstance(person, User) else None
    if manageable is None:
        raise Http404
    document = get_object_or_404(Document, pk=document_id, collection__in=manageable)
    asked = [pk for one in request.GET.get("chunks", "").split(",") if (pk := number_of(one)) is not None]
    chunks = dict(document.chunks.filter(pk__in=asked[:MOST_CHUNKS]).values_list("pk", "sha256"))
    found = count_by_text(document.pk, list(chunks.values()))
    context = {
        "total": count_replies(document.pk) if is_support_staff(person) else None,
        "chunks": [(pk, found[sha256]) for pk, sha256 in chunks.items() if sha256 in found],
    }
    return render(request, "review/_cited_counts.html", context)
