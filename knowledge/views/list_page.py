"""The administrator's list of documents, and its poll while some of them move."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge.bulk import MOST
from knowledge.extract.errors import supported_sentence
from knowledge.extract.formats import SUFFIXES
from knowledge.listing import Listing, changed_since, list_documents
from knowledge.views import notices
from knowledge.views.bulk import choice_of
from knowledge.views.doors import managed, manager_required, may_create
from knowledge.views.list_head import foreign_language, preparing
from knowledge.views.list_rows import build_list_rows

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NO_CHANGE = 204


@dataclass(frozen=True, slots=True)
class Column:
    """A heading: what a click on it asks for, and how the list is sorted by it now (aria-sort; "" = not)."""

    label: "StrOrPromise"
    classes: str
    key: str
    address: str = ""
    sorted: str = ""


COLUMNS: "tuple[tuple[StrOrPromise, str, str], ...]" = (
    (_("Document"), "", "name"),
    (_("Owner"), "opt", ""),
    (_("Status"), "", "status"),
    (_("Chunks"), "end", "chunks"),
    (_("Size"), "end opt", "size"),
    (_("Updated"), "end opt", "updated"),
)
RISING = ("name", "status")  # as first clicked


@require_GET
@manager_required
@never_cache
def list_page(request: HttpRequest) -> HttpResponse:
    """List documents by collection, status, name and text."""
    listing = _listing(request)
    rows = build_list_rows(list(listing.page.object_list))
    context = {
        "listing": listing,
        "rows": rows,
        "columns": _columns(listing),
        "seen": ",".join(row.row.stamp for row in rows if row.is_moving),
        "here": request.get_full_path(),
        "parameters": _parameters(listing),
        "may_create": may_create(request),
        "formats": supported_sentence(),
        "accept": ",".join(SUFFIXES),
        "limit_mb": settings.MAX_UPLOAD_MB,
        "most": MOST,
        "preparing": preparing(listing.shown),
        "foreign_language": foreign_language(listing.collection),
        "refused": request.session.get(notices.REFUSED),
        "undo_url": reverse("knowledge:bulk") if notices.show_undo(request) else "",
    }
    return render(request, "knowledge/list.html", context)


@require_GET
@manager_required
@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """Answer a poll with the rows that changed since the page was drawn, or with nothing."""
    seen = [text for text in request.GET.get("seen", "").split(",") if text]
    slug = request.GET.get("collection", "")
    places = managed(request).filter(slug=slug) if slug else managed(request)
    changed, same, gone = changed_since(places, seen)
    rows = build_list_rows(changed)
    still = build_list_rows(same)
    rows += [row for row in still if not row.is_moving]  # what moved it ended without a trace on its row
    if not rows and not gone:
        return HttpResponse(status=NO_CHANGE)
    listing = _listing(request)
    context = {
        "listing": listing,
        "rows": rows,
        "gone": [document_id.hex for document_id in gone],
        "seen": ",".join(row.row.stamp for row in (*rows, *still) if row.is_moving),
        "here": f"{reverse('knowledge:list')}?{_parameters(listing)}",
        "parameters": _parameters(listing),
    }
    return render(request, "knowledge/_progress.html", context)


def _listing(request: HttpRequest) -> Listing:
    listing = list_documents(managed(request), choice_of(request.GET), request.GET.get("page", "1"))
    if listing is None:
        raise Http404
    return listing


def _columns(listing: Listing) -> list[Column]:
    return [
        Column(label, classes, key, _sorted_by(listing, key), _direction(listing, key))
        if key
        else Column(label, classes, key)
        for label, classes, key in COLUMNS
    ]


def _sorted_by(listing: Listing, key: str) -> str:
    wanted = f"-{key}" if listing.sort == key else key
    return f"{reverse('knowledge:list')}?{_parameters(listing, sort=wanted)}"


def _direction(listing: Listing, key: str) -> str:
    if listing.sort.lstrip("-") != key:
        return ""
    is_rising = (key in RISING) == (listing.sort == key)
    return "ascending" if is_rising else "descending"


def _parameters(listing: Listing, sort: str = "") -> str:
    """Write what the list shows as a query string, without the page."""
    chosen = {
        "collection": listing.collection.slug if listing.collection else "",
        "status": listing.status,
        "q": listing.query,
        "sort": sort or listing.sort,
    }
    return urlencode({name: value for name, value in chosen.items() if value})
