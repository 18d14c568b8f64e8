"""The summary of a document or a collection: read by its readers, made by its managers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from jobs import waiting
from knowledge.access import readable_collections
from knowledge.models import Collection, Document, Summary
from knowledge.summaries import making
from knowledge.summaries.material import collection_fingerprint, fingerprint
from knowledge.summaries.reading import (
    Block,
    blocks,
    cites_what_answers,
    is_by_model,
    stored_summary,
)
from knowledge.views.doors import (
    collection_to_manage,
    document_to_manage,
    document_to_read,
    managed,
    manager_required,
    reader,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

RTL = frozenset({"ar", "fa", "he", "ur"})
FAILURES: "dict[str, StrOrPromise]" = {
    "cancelled": gettext_lazy("Stopped. Nothing was changed."),
    "nothing_to_say": gettext_lazy("There is no text to summarise yet."),
    "worker_lost": gettext_lazy("It was interrupted more than once. Try again."),
    "engine_unavailable": gettext_lazy("The model is not available right now. Try again in a minute."),
    "engine_busy": gettext_lazy("The model is busy. Try again in a minute."),
    "engine_timeout": gettext_lazy("The model took too long. Try again."),
    "model_not_found": gettext_lazy("The site’s model is not installed. An administrator can install it."),
    "model_broken": gettext_lazy("The site’s model is damaged. An administrator can install it again."),
}
FAILED = gettext_lazy("The summary could not be written. Try again, or ask an administrator.")


@dataclass(frozen=True, slots=True)
class Card:
    """A summary as a page shows it.

    blocks: empty where there is none to show. done, total: steps of the one that is being made; place: in
    line, 0 once it runs. old: what has changed since. failure: why the last one was not made.
    """

    summary: Summary | None
    blocks: list[Block]
    address: str
    is_manager: bool
    is_making: bool = False
    is_new: bool = False
    place: int = 0
    done: int = 0
    total: int = 0
    old: str = ""
    failure: str = ""
    by_model: bool = False

    @property
    def direction(self) -> str:
        """Which way the text is written."""
        return "rtl" if self.summary and self.summary.language.split("-")[0] in RTL else "ltr"

    @property
    def step(self) -> int:
        """The step that is being done, counted from 1."""
        return min(self.done + 1, self.total)


@require_GET
@never_cache
def document_summary(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Show a document's summary, on its page or on one of its own."""
    document = document_to_read(request, document_id)
    return _answer(request, document, document.collection)


@require_POST
@manager_required
def make_document_summary(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Have a document's summary made."""
    document = document_to_manage(request, document_id)
    making.request_summary(document)
    return _after(request, document, document.collection)


@require_POST
@manager_required
def stop_document_summary(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Stop making a document's summary."""
    document = document_to_manage(request, document_id)
    _stop(Summary.objects.filter(document=document).first())
    return _after(request, document, document.collection)


@require_GET
@never_cache
def collection_summary(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a collection's summary."""
    allowed = readable_collections(reader(request)) | managed(request)
    collection = allowed.filter(slug=slug).first()
    if collection is None:
        raise Http404
    return _answer(request, collection, collection)


@require_POST
@manager_required
def make_collection_summary(request: HttpRequest, slug: str) -> HttpResponse:
    """Have a collection's summary made."""
    collection = collection_to_manage(request, slug)
    making.request_summary(collection)
    return _after(request, collection, collection)


@require_POST
@manager_required
def stop_collection_summary(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop making a collection's summary."""
    collection = collection_to_manage(request, slug)
    _stop(Summary.objects.filter(collection=collection).first())
    return _after(request, collection, collection)


def _stop(summary: Summary | None) -> None:
    if summary is not None:
        making.stop_summary(summary)


def _answer(request: HttpRequest, subject: Document | Collection, collection: Collection) -> HttpResponse:
    is_manager = managed(request).filter(pk=collection.pk).exists()
    card = _card(subject, is_manager=is_manager)
    is_part = bool(request.headers.get("HX-Request"))
    if not card.is_manager and not card.blocks:
        if is_part:
            return HttpResponse()
        raise Http404
    context = {"card": card, "subject": subject, "collection": collection}
    name = "_card" if is_part else "page"
    return render(request, f"knowledge/summaries/{name}.html", context)


def _after(request: HttpRequest, subject: Document | Collection, collection: Collection) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return _answer(request, subject, collection)
    return redirect(_address(subject))


def _address(subject: Document | Collection) -> str:
    if isinstance(subject, Document):
        return reverse("knowledge:summary", args=[subject.pk])
    return reverse("knowledge:collection-summary", args=[subject.slug])


def _card(subject: Document | Collection, *, is_manager: bool) -> Card:
    """Describe the summary; readers see one only where it is of exactly what answers them."""
    address = _address(subject)
    if not is_manager:
        shown = _for_readers(subject)
        text = blocks(shown) if shown else []
        return Card(shown, text, address, is_manager=False, by_model=bool(shown and is_by_model(shown)))
    of = {"document": subject} if isinstance(subject, Document) else {"collection": subject}
    summary = Summary.objects.filter(**of).first()
    if summary is None:
        return Card(None, [], address, is_manager=True)
    job = making.live_job(summary)
    position = waiting.position(job) if job is not None else None
    return Card(
        summary,
        blocks(summary),
        address,
        is_manager=True,
        is_making=job is not None,
        place=position.position if position and not summary.work else 0,
        done=int(summary.work.get("done", 0)),
        total=int(summary.work.get("total", 0)),
        old=_old(summary, subject),
        failure="" if job is not None else _failure(summary.error_code),
        by_model=is_by_model(summary),
    )


def _for_readers(subject: Document | Collection) -> Summary | None:
    if isinstance(subject, Document):
        return stored_summary(subject)
    summary = Summary.objects.filter(collection=subject).exclude(text="").first()
    is_public = subject.release_id is None and summary is not None  # it is written from the draft
    return summary if is_public and summary and not _old(summary, subject) else None


def _old(summary: Summary, subject: Document | Collection) -> str:
    """Say what has changed since it was made; empty where nothing has, or there is none."""
    if not summary.text:
        return ""
    if isinstance(subject, Collection):
        is_old = summary.of != collection_fingerprint(subject) or not cites_what_answers(summary, subject)
        return _("The documents of the collection have changed since.") if is_old else ""
    if summary.of == fingerprint(subject):
        return ""
    if summary.version is not None and summary.version != subject.version:
        return _("This summary is of version %(old)d; the document is at version %(new)d.") % {
            "old": summary.version,
            "new": subject.version,
        }
    return _("Chunks of the document were changed since.")


def _failure(code: str) -> str:
    return str(FAILURES.get(code, FAILED)) if code else ""
