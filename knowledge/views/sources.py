"""The sources of a collection: what is followed, how it stands, and what became of each address."""

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge.models import Collection, EntryState, Source, SourceEntry
from knowledge.views.doors import collection_to_manage, manager_required
from knowledge.views.source_rows import build_entry_rows, build_source_rows

NO_CHANGE = 204
PAGE_SIZE = 50


def source_to_manage(request: HttpRequest, slug: str, pk: int) -> Source:
    """Return a source of a collection the person may change. Raises: Http404."""
    collection = collection_to_manage(request, slug)
    return get_object_or_404(collection.sources.select_related("collection"), pk=pk)


@require_GET
@manager_required
@never_cache
def source_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List what a collection follows."""
    return render(request, "knowledge/sources/list.html", _listed(collection_to_manage(request, slug)))


@require_GET
@manager_required
@never_cache
def rows(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer a poll with the rows, or with nothing while they look the same."""
    context = _listed(collection_to_manage(request, slug))
    if context["stamp"] == request.GET.get("seen", ""):
        return HttpResponse(status=NO_CHANGE)
    return render(request, "knowledge/sources/_rows.html", context)


def _listed(collection: Collection) -> dict[str, object]:
    found = build_source_rows(list(collection.sources.all()))
    return {
        "collection": collection,
        "rows": found,
        "is_live": any(row.is_live for row in found),
        "stamp": "|".join(row.stamp for row in found),
    }


@require_GET
@manager_required
@never_cache
def source_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show each address of a source; `state`: only those new, changed, left out, …"""
    source = source_to_manage(request, slug, pk)
    row = build_source_rows([source])[0]
    if request.headers.get("HX-Request") and not row.is_live:
        return HttpResponse(status=NO_CHANGE, headers={"HX-Refresh": "true"})
    state = request.GET.get("state", "")
    entries = _entries(source)
    counts = dict(entries.order_by().values_list("state").annotate(Count("pk")))
    changes = dict(
        entries.filter(state=EntryState.READ).order_by().values_list("change").annotate(Count("pk"))
    )
    page = Paginator(_filtered(entries, state), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "collection": source.collection,
        "source": source,
        "row": row,
        "page": page,
        "entries": build_entry_rows(list(page.object_list)),
        "state": state,
        "parameters": f"state={state}" if state in {*EntryState.values, "new", "changed"} else "",
        "filters": [
            ("", _("All"), sum(counts.values())),
            ("new", _("New"), changes.get("new", 0)),
            ("changed", _("Changed"), changes.get("changed", 0)),
            ("gone", _("Gone"), counts.get("gone", 0)),
            ("left_out", _("Left out"), counts.get("left_out", 0)),
            ("failed", _("Not reached"), counts.get("failed", 0)),
        ],
    }
    return render(request, "knowledge/sources/source.html", context)


def _entries(source: Source) -> QuerySet[SourceEntry]:
    return source.entries.select_related("document")


def _filtered(entries: QuerySet[SourceEntry], state: str) -> QuerySet[SourceEntry]:
    if state in {"new", "changed"}:
        return entries.filter(state=EntryState.READ, change=state)
    return entries.filter(state=state) if state in EntryState.values else entries
