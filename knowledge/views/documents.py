"""The administrator's list of documents, and what can be done to one."""

from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.extract.errors import supported_sentence
from knowledge.extract.formats import SUFFIXES
from knowledge.listing import PAGE_SIZE, Listing, changed_since, list_documents
from knowledge.models import Document
from knowledge.views.doors import document_to_manage, managed, manager_required, may_create
from knowledge.views.rows import build_rows

NO_CHANGE = 204


@require_GET
@manager_required
@never_cache
def list_page(request: HttpRequest) -> HttpResponse:
    """List documents by collection, status and name."""
    listing = _listing(request)
    rows = build_rows(list(listing.page.object_list))
    context = {
        "listing": listing,
        "rows": rows,
        "first": (listing.page.number - 1) * PAGE_SIZE,
        "seen": ",".join(row.stamp for row in rows if row.is_moving),
        "here": request.get_full_path(),
        "parameters": _parameters(listing),
        "may_create": may_create(request),
        "formats": supported_sentence(),
        "accept": ",".join(SUFFIXES),
        "limit_mb": settings.MAX_UPLOAD_MB,
    }
    return render(request, "knowledge/list.html", context)


@require_GET
@manager_required
@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """Answer a poll with the rows that changed since the page was drawn, or with nothing."""
    seen = [text for text in request.GET.get("seen", "").split(",") if text]
    changed, moving, gone = changed_since(managed(request), seen)
    if not changed and not gone:
        return HttpResponse(status=NO_CHANGE)
    listing = _listing(request)
    context = {
        "listing": listing,
        "rows": build_rows(changed),
        "gone": [document_id.hex for document_id in gone],
        "seen": ",".join(row.stamp for row in build_rows(moving)),
        "here": f"{reverse('knowledge:list')}?{_parameters(listing)}",
        "parameters": _parameters(listing),
    }
    return render(request, "knowledge/_progress.html", context)


def _listing(request: HttpRequest) -> Listing:
    listing = list_documents(
        managed(request),
        slug=request.GET.get("collection", ""),
        status=request.GET.get("status", ""),
        query=request.GET.get("q", "").strip()[:200],
        page=request.GET.get("page", "1"),
    )
    if listing is None:
        raise Http404
    return listing


def _parameters(listing: Listing) -> str:
    """Write what the list shows as a query string, without the page."""
    chosen = {
        "collection": listing.collection.slug if listing.collection else "",
        "status": listing.status,
        "q": listing.query,
    }
    return urlencode({name: value for name, value in chosen.items() if value})


@require_POST
@manager_required
def retry(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Read a failed document again."""
    ingest.retry_document(document_to_manage(request, document_id))
    return _back(request)


@require_POST
@manager_required
def stop(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Stop reading a document."""
    ingest.cancel_document(document_to_manage(request, document_id))
    return _back(request)


@require_http_methods(["GET", "POST"])
@manager_required
def delete(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Say what is lost, then delete."""
    document = document_to_manage(request, document_id)
    if request.method == "GET":
        name = "_delete_document.html" if request.headers.get("HX-Request") else "delete_document.html"
        context = {"document": document, "next": _next(request, document)}
        return render(request, f"knowledge/{name}", context)
    try:
        ingest.delete_document(document)
    except KnowledgeError as error:
        messages.error(request, error.user_message)
    else:
        messages.success(request, _("“%(name)s” was deleted.") % {"name": document.name})
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(_safe(request, request.POST.get("next", "")) or reverse("knowledge:list"))


def _next(request: HttpRequest, document: Document) -> str:
    """Where to go once the document is gone: the list it was opened from."""
    listed = f"{reverse('knowledge:list')}?{urlencode({'collection': document.collection.slug})}"
    return _safe(request, request.GET.get("next", "")) or listed


def _safe(request: HttpRequest, url: str) -> str:
    if "\\" in url or any(ord(char) < 32 for char in url):
        raise BadRequest
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else ""
