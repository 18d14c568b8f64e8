"""A collection's draft: what the trial found, publishing, rolling back, giving releases up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.models import User
from knowledge.errors import KnowledgeError
from knowledge.extract.clean import clean, clean_line
from knowledge.models import Collection, GoldenRun
from knowledge.releases import gate, publishing, trial
from knowledge.releases.banner import banner_of
from knowledge.releases.board import build_board
from knowledge.views.doors import collection_to_manage, manager_required

NO_CHANGE = 204
REASON_CHARS = 2000


@require_GET
@manager_required
@never_cache
def release_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the draft beside what is live, the rules, and the releases there were."""
    collection = _collection(request, slug)
    undo = request.GET.get("undo", "")
    context = {
        "board": build_board(collection, request.GET.get("tab", "")),
        "collection": collection,
        "undo": _kept_number(collection, undo),
        "job": _progress_of(trial.unfinished(collection)),
    }
    return render(request, "knowledge/release/page.html", context)


@require_POST
@manager_required
def try_draft(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue a trial."""
    trial.start_trial(_collection(request, slug), by=_person(request))
    return redirect("knowledge:release", slug)


@require_POST
@manager_required
def stop_trying(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop the trial."""
    if run := trial.unfinished(_collection(request, slug)):
        trial.stop_trial(run)
    return redirect("knowledge:release", slug)


@require_GET
@manager_required
@never_cache
def progress(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """Answer a poll: how far the trial is; once it is over, the page is loaded again."""
    run = get_object_or_404(GoldenRun, pk=run_id, collection=_collection(request, slug))
    if run.finished_at:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"collection": run.collection, "run": run, "job": _progress_of(run)}
    return render(request, "knowledge/release/_progress.html", context)


@require_http_methods(["GET", "POST"])
@manager_required
@never_cache
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Publish a draft that passed; ask for a reason where it did not."""
    collection = _collection(request, slug)
    if request.method == "GET":
        name = "_override.html" if request.headers.get("HX-Request") else "override.html"
        context = {"collection": collection, "board": build_board(collection)}
        return render(request, f"knowledge/release/{name}", context)
    reason = clean(request.POST.get("reason", "")).strip()[:REASON_CHARS]
    note = clean_line(request.POST.get("note", ""))[:255]
    try:
        release = gate.publish_checked(collection, by=_person(request), note=note, override_reason=reason)
    except KnowledgeError as error:
        messages.error(request, error.user_message)
        return redirect("knowledge:release", slug)
    verb = "release.override" if release.override_reason else "release.publish"
    audit.record(request, verb, f"collection:{slug} release:{release.number}")
    messages.success(request, _("Release %(number)s is live.") % {"number": release.number})
    return redirect("knowledge:release", slug)


@require_POST
@manager_required
def roll_back(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Answer from another release again; the page offers to undo it."""
    collection = _collection(request, slug)
    release = get_object_or_404(collection.releases, number=number)
    before = collection.release
    try:
        publishing.roll_back(collection, release)
    except KnowledgeError as error:
        messages.error(request, error.user_message)
        return redirect("knowledge:release", slug)
    audit.record(request, "release.back", f"collection:{slug} release:{number}")
    response = redirect("knowledge:release", slug)
    if before and before.pk != release.pk and not request.POST.get("undone"):
        response["Location"] += f"?undo={before.number}"
    else:
        said = _("Visitors get answers from release %(number)s.") % {"number": number}
        messages.success(request, said)
    return response


@require_POST
@manager_required
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer from every ready document at once."""
    collection = _collection(request, slug)
    publishing.stop_releases(collection)
    audit.record(request, "release.off", f"collection:{slug}")
    messages.success(
        request, pgettext("releases", "Visitors now get answers from every ready document at once.")
    )
    return redirect("knowledge:release", slug)


@require_GET
@manager_required
@never_cache
def banner(request: HttpRequest, slug: str) -> HttpResponse:
    """Say in a line that the draft is not live; nothing where it is."""
    collection = _collection(request, slug)
    return render(request, "knowledge/_draft_banner.html", {"banner": banner_of(collection)})


def _collection(request: HttpRequest, slug: str) -> Collection:
    found = collection_to_manage(request, slug)
    return Collection.objects.select_related("release").get(pk=found.pk)


def _kept_number(collection: Collection, text: str) -> int | None:
    """Read the number of a release that can be gone back to; None for any other."""
    number = int(text) if text.isdecimal() and len(text) < 9 else 0
    others = collection.releases.exclude(pk=collection.release.pk) if collection.release else None
    return number if others is not None and others.filter(number=number).exists() else None


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _progress_of(run: GoldenRun | None) -> dict[str, int] | None:
    """How far a run is, in per cent; 0 while it waits."""
    if run is None:
        return None
    job = next(iter(trial.job_of(run)), None)
    done, total = (job.progress_done, job.progress_total) if job else (0, 0)
    return {"run": run.pk, "percent": round(100 * done / total) if total else 0}
