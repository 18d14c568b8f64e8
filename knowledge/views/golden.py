"""A collection's golden questions: list, write, accept, import and export."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from knowledge.golden import questions
from knowledge.golden.forms import GoldenFileForm, GoldenQuestionForm
from knowledge.golden.listing import list_questions
from knowledge.models import Collection, Document, Expectation, GoldenQuestion, GoldenResult, Origin
from knowledge.releases import trial
from knowledge.views.doors import collection_to_manage, managed, manager_required


@require_GET
@manager_required
@never_cache
def golden_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the golden questions with what came of each last."""
    collection = collection_to_manage(request, slug)
    listing = list_questions(
        collection,
        chosen=request.GET.get("show", ""),
        language=request.GET.get("language", ""),
        page=request.GET.get("page", "1"),
    )
    context = {
        "collection": collection,
        "listing": listing,
        "is_running": trial.unfinished(collection) is not None,
        "file_form": GoldenFileForm(),
        "parameters": urlencode({"show": listing.chosen, "language": listing.language}),
    }
    return render(request, "knowledge/golden/list.html", context)


@require_http_methods(["GET", "POST"])
@manager_required
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Write a golden question."""
    collection = collection_to_manage(request, slug)
    return _form(request, collection, GoldenQuestion(collection=collection))


@require_POST
@manager_required
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form filled in from a conversation or a retrieval test; nothing is kept yet."""
    named = _uuid(request.POST.get("document", ""))
    document = Document.objects.filter(pk=named, collection__in=managed(request)).first() if named else None
    collection = collection_to_manage(request, document.collection.slug if document else slug)
    expectation = request.POST.get("expectation", "")
    initial = {
        "text": request.POST.get("text", "")[: questions.TEXT_CHARS],
        "previous": request.POST.get("previous", "")[: questions.TEXT_CHARS],
        "document": document,
        "expectation": expectation or (Expectation.FIND if document else Expectation.REFUSE),
    }
    form = GoldenQuestionForm(
        instance=GoldenQuestion(collection=collection), collection=collection, initial=initial
    )
    context = {"collection": collection, "form": form, "question": form.instance, "origin": _origin(request)}
    return render(request, "knowledge/golden/form.html", context)


@require_http_methods(["GET", "POST"])
@manager_required
def edit(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change a golden question."""
    collection = collection_to_manage(request, slug)
    return _form(request, collection, get_object_or_404(collection.golden_questions, pk=pk))


@require_POST
@manager_required
def delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete a golden question."""
    collection = collection_to_manage(request, slug)
    get_object_or_404(collection.golden_questions, pk=pk).delete()
    messages.success(request, _("The golden question was deleted."))
    return redirect("knowledge:golden", slug)


@require_POST
@manager_required
def accept(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Expect from now on what the draft gave; the draft is tried again."""
    collection = collection_to_manage(request, slug)
    result = get_object_or_404(
        GoldenResult.objects.select_related("question__collection"),
        pk=_number(request.POST.get("result", "")),
        question=pk,
        question__collection=collection,
    )
    questions.accept_new_answer(result)
    person = request.user if isinstance(request.user, User) else None
    trial.start_trial(collection, by=person)
    messages.success(request, _("The new answer is expected from now on. The draft is being checked again."))
    return redirect("knowledge:release", slug)


@require_POST
@manager_required
def take_in(request: HttpRequest, slug: str) -> HttpResponse:
    """Add the questions of a file."""
    collection = collection_to_manage(request, slug)
    form = GoldenFileForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("knowledge:golden", slug)
    person = request.user if isinstance(request.user, User) else None
    try:
        taken = questions.import_lines(collection, form.cleaned_data["file"], by=person)
    except questions.TooManyQuestions:
        said = _("The file has too many lines: %(most)d questions at most. Nothing was added; split it.")
        messages.error(request, said % {"most": questions.MOST_ROWS})
        return redirect("knowledge:golden", slug)
    except questions.BadGoldenFile as error:
        said = _("Line %(line)d of the file is not a golden question. Nothing was added.")
        messages.error(request, said % {"line": error.line})
        return redirect("knowledge:golden", slug)
    _tell(request, taken)
    return redirect("knowledge:golden", slug)


@require_GET
@manager_required
def give_out(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the questions as a file."""
    collection = collection_to_manage(request, slug)
    lines = "".join(f"{line}\n" for line in questions.export_lines(collection.golden_questions.all()))
    headers = {"Content-Disposition": f'attachment; filename="golden-{slug}.jsonl"'}
    return HttpResponse(lines, content_type="application/x-ndjson", headers=headers)


def _form(request: HttpRequest, collection: Collection, question: GoldenQuestion) -> HttpResponse:
    form = GoldenQuestionForm(request.POST or None, instance=question, collection=collection)
    if request.method == "POST" and form.is_valid():
        person = request.user if isinstance(request.user, User) else None
        other = form.cleaned_data["translation_of"]
        question.origin = _origin(request) if question._state.adding else question.origin
        questions.save_question(form.save(commit=False), by=person, translation_of=other)
        messages.success(request, _("The golden question was saved."))
        return redirect("knowledge:golden", collection.slug)
    context = {"collection": collection, "form": form, "question": question, "origin": _origin(request)}
    return render(request, "knowledge/golden/form.html", context)


def _tell(request: HttpRequest, taken: questions.TakenIn) -> None:
    added = ngettext(
        "%(count)d golden question was added.", "%(count)d golden questions were added.", taken.added
    )
    messages.success(request, added % {"count": taken.added})
    if taken.known:
        known = ngettext("%(count)d was here already.", "%(count)d were here already.", taken.known)
        messages.info(request, known % {"count": taken.known})
    if taken.unknown:
        said = _("Left out, because their documents are not here: %(names)s")
        messages.warning(request, said % {"names": ", ".join(taken.unknown)})


def _origin(request: HttpRequest) -> str:
    given = request.POST.get("origin", "")
    return given if given in Origin.values else Origin.PERSON


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
