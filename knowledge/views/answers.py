"""Approved answers of a collection: list, write, try, switch off, delete."""

from collections.abc import Mapping
from http import HTTPStatus

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.models import User
from knowledge import approved
from knowledge.answer_forms import ApprovedAnswerForm, documents_named
from knowledge.extract.clean import clean_line
from knowledge.models import ApprovedAnswer, Collection
from knowledge.views.doors import collection_to_answer, manages, reader, signed_in

PAGE_SIZE = 30
STATES = {"active": True, "off": False}


def _entries(collection: Collection) -> QuerySet[ApprovedAnswer]:
    return collection.approved_answers.select_related("approved_by", "document")


def _entry(request: HttpRequest, slug: str, pk: int) -> ApprovedAnswer:
    """Return an entry the person may change. Raises: Http404."""
    return get_object_or_404(_entries(collection_to_answer(request, slug)), pk=pk)


@signed_in
@require_safe
def answer_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the entries; `q`: words of question or answer, `state`: active or off."""
    collection = collection_to_answer(request, slug)
    words, state = clean_line(request.GET.get("q", "")), request.GET.get("state", "")
    found = _entries(collection)
    if words:
        found = found.filter(Q(question__icontains=words) | Q(text__icontains=words))
    counts = found.order_by().aggregate(
        all=Count("pk"),
        active=Count("pk", filter=Q(is_active=True)),
        off=Count("pk", filter=Q(is_active=False)),
    )
    if state in STATES:
        found = found.filter(is_active=STATES[state])
    parameters = request.GET.copy()
    parameters.pop("page", None)
    context = {
        "collection": collection,
        "is_manager": manages(request, collection),
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "parameters": parameters.urlencode(),
        "words": words,
        "filters": [("", _("All"), counts["all"]), ("active", _("Active"), counts["active"]),
                    ("off", _("Off"), counts["off"])],
        "state": state if state in STATES else "",
        **_tried_in(request, collection),
    }  # fmt: skip
    return render(request, "knowledge/answers/list.html", context)


def _tried_in(request: HttpRequest, collection: Collection) -> dict[str, object]:
    """Say which entry of the collection a question would get."""
    question = request.GET.get("try", "").strip()[:500]
    if not question:
        return {}
    here = Collection.objects.filter(pk=collection.pk)
    return {"tried": question, "found": approved.find(question, user=reader(request), collections=here)}


@signed_in
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Open the form of a new entry, filled with what was said in a chat."""
    collection = collection_to_answer(request, request.POST.get("collection", ""))
    said = {name: request.POST.get(name, "") for name in ("question", "text", "document", "language")}
    entry = ApprovedAnswer(collection=collection)
    form = ApprovedAnswerForm(initial=said, instance=entry, documents=collection.documents.all())
    return _form_page(request, form)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_answer(request: HttpRequest, slug: str) -> HttpResponse:
    """Write an entry."""
    return _write(request, ApprovedAnswer(collection=collection_to_answer(request, slug)))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def edit_answer(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change an entry; whoever does approves it anew."""
    return _write(request, _entry(request, slug, pk))


def _write(request: HttpRequest, entry: ApprovedAnswer) -> HttpResponse:
    """Show the form; save it, or with the button "Try it" only say whether it would answer."""
    documents = entry.collection.documents.all()
    form = ApprovedAnswerForm(request.POST or None, instance=entry, documents=documents)
    if request.method != "POST":
        return _form_page(request, form)
    if "try" in request.POST and "question" not in request.POST:  # without scripts: as it is saved
        form = ApprovedAnswerForm(instance=entry, documents=documents)
        return _show_try(request, form, entry)
    is_valid = form.is_valid()
    if "try" in request.POST:
        return _show_try(request, form, form.apply())
    if not is_valid:
        return _form_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    assert isinstance(request.user, User)
    saved = approved.approve(form.apply(), request.user)
    audit.record(request, "answer.approve", f"answer:{saved.pk}")
    messages.success(request, _("The answer is saved and approved in your name."))
    return redirect("knowledge:answers", slug=entry.collection.slug)


def _show_try(request: HttpRequest, form: ApprovedAnswerForm, entry: ApprovedAnswer) -> HttpResponse:
    question = request.POST.get("tried", "").strip()[:500]
    tried = {"tried": question, "would_answer": bool(question) and approved.answers(entry, question)}
    if request.headers.get("HX-Request"):
        return render(request, "knowledge/answers/_tried.html", tried)
    return _form_page(request, form, tried=tried)


def _form_page(
    request: HttpRequest,
    form: ApprovedAnswerForm,
    status: HTTPStatus = HTTPStatus.OK,
    tried: Mapping[str, object] | None = None,
) -> HttpResponse:
    collection = form.instance.collection
    context = {
        "form": form,
        "entry": form.instance,
        "collection": collection,
        "is_manager": manages(request, collection),
        "documents": documents_named(collection.documents.all(), ""),
        **(tried or {}),
    }
    return render(request, "knowledge/answers/form.html", context, status=status)


@signed_in
@require_GET
def document_names(request: HttpRequest, slug: str) -> HttpResponse:
    """Suggest documents of the collection whose name holds what is being typed."""
    collection = collection_to_answer(request, slug)
    found = documents_named(collection.documents.all(), request.GET.get("document", "").strip())
    return render(request, "knowledge/answers/_documents.html", {"documents": found})


@signed_in
@require_POST
def switch_answer(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let an entry answer, or not for now."""
    entry = _entry(request, slug, pk)
    approved.switch(entry, is_active=request.POST.get("active") == "1")
    audit.record(request, "answer.switch", f"answer:{entry.pk}")
    text = _("It answers again.") if entry.is_active else _("It is off: the documents answer instead.")
    messages.success(request, text)
    return redirect("knowledge:answers", slug=slug)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def delete_answer(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask, then delete an entry; replies it gave stay as they are."""
    entry = _entry(request, slug, pk)
    if request.method != "POST":
        name = "_delete.html" if request.headers.get("HX-Request") else "delete.html"
        context = {
            "entry": entry,
            "collection": entry.collection,
            "is_manager": manages(request, entry.collection),
        }
        return render(request, f"knowledge/answers/{name}", context)
    audit.record(request, "answer.delete", f"answer:{entry.pk}")
    entry.delete()
    messages.success(request, _("The answer is deleted."))
    return redirect("knowledge:answers", slug=slug)
