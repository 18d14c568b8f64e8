"""Test retrieval: which passages a question finds, and why; keep it as a golden question."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from knowledge import retrieval_trial
from knowledge.confidence import THRESHOLD
from knowledge.extract.clean import clean_line
from knowledge.golden.listing import newest_run
from knowledge.golden.questions import save_question
from knowledge.models import (
    Collection,
    Document,
    DocumentStatus,
    Expectation,
    GoldenQuestion,
    GoldenResult,
    GoldenRun,
    Origin,
)
from knowledge.views.doors import collection_to_manage, managed, manager_required, reader

MOST_CHARS = 2000
BACK_CHARS = 7 * MOST_CHARS  # a question as an address writes it: six characters for a Hebrew letter
GOLDEN_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person put into the form."""

    text: str
    previous: str
    scope: str
    reader: str

    @property
    def parameters(self) -> str:
        """The same as a query string."""
        values = {"q": self.text, "previous": self.previous, "scope": self.scope, "as": self.reader}
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class Golden:
    """How a collection's golden questions did last; failing ones first."""

    total: int
    run: GoldenRun | None
    passed: int
    asked: int
    results: tuple[GoldenResult, ...]


@require_GET
@manager_required
@never_cache
def try_page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Ask a question of one collection, or of all that the person manages."""
    place = collection_to_manage(request, slug) if slug else None
    places: QuerySet[Collection] = managed(request)
    if place:
        places = places.filter(pk=place.pk)
    asked = _asked(request)
    trial = None
    person = reader(request)
    if asked.text and isinstance(person, User):
        trial = retrieval_trial.ask(
            asked.text,
            user=person,
            places=places,
            reader=asked.reader,
            previous=asked.previous,
            scope=retrieval_trial.scope_of(asked.scope, place),
        )
    documents = {hit.passage.document_id: hit.passage for hit in trial.all_hits} if trial else {}
    context = {
        "collection": place,
        "collections": managed(request).order_by("name"),
        "asked": asked,
        "trial": trial,
        "threshold": THRESHOLD,
        "shown": retrieval_trial.SHOWN_TO_MODEL,
        "scopes": retrieval_trial.scope_options(place),
        "readers": retrieval_trial.reader_options(),
        "documents": list(documents.values()),
        "golden": _golden(place) if place else None,
    }
    return render(request, "knowledge/test.html", context)


def _asked(request: HttpRequest) -> Asked:
    return Asked(
        text=request.GET.get("q", "").strip()[:MOST_CHARS],
        previous=request.GET.get("previous", "").strip()[:MOST_CHARS],
        scope=request.GET.get("scope", ""),
        reader=request.GET.get("as", ""),
    )


def _golden(place: Collection) -> Golden:
    run = newest_run(place)
    rows = list(run.results.select_related("question__document").order_by("question")) if run else []
    rows.sort(key=lambda row: row.is_passed)
    return Golden(
        total=place.golden_questions.filter(is_active=True).count(),
        run=run,
        passed=sum(row.is_passed for row in rows),
        asked=len(rows),
        results=tuple(rows[:GOLDEN_SHOWN]),
    )


@require_POST
@manager_required
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the question as a golden one, with the document it must find or that it must be refused."""
    place = collection_to_manage(request, slug)
    text = clean_line(request.POST.get("q", ""))[:MOST_CHARS]
    wanted = request.POST.get("expect", "")
    document = None if wanted == "refuse" else _document(place, wanted)
    address = f"{reverse('knowledge:test', args=[slug])}?{request.POST.get('back', '')[:BACK_CHARS]}"
    if not text or (document is None and wanted != "refuse"):
        messages.error(request, _("Choose the document that must be found, or that it must be refused."))
        return redirect(address)
    question = place.golden_questions.filter(text=text).first() or GoldenQuestion(
        collection=place, text=text, origin=Origin.TEST
    )
    is_new = question.pk is None
    question.previous = request.POST.get("previous", "").strip()[:MOST_CHARS]
    question.expectation = Expectation.REFUSE if document is None else Expectation.FIND
    if document is None or question.document_id != document.pk:
        question.quote = ""
    question.document, question.is_active = document, True
    person = reader(request)
    save_question(question, by=person if isinstance(person, User) else None)
    said = _("Kept as a golden question.") if is_new else _("The golden question was changed.")
    messages.success(request, said)
    return redirect(address)


def _document(place: Collection, wanted: str) -> Document | None:
    documents = place.documents.exclude(status=DocumentStatus.DELETING)
    return next((one for one in documents.filter(pk=wanted)), None) if _is_uuid(wanted) else None


def _is_uuid(text: str) -> bool:
    compact = text.replace("-", "")
    return len(compact) == 32 and all(letter in "0123456789abcdef" for letter in compact)
