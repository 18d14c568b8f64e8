"""A document as its readers see it: where citations lead, and the original file."""

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge.models import Chunk, Document, DocumentStatus
from knowledge.views.doors import document_to_manage, document_to_read, may_manage
from knowledge.views.paper import WINDOW, lay_out, window_of
from knowledge.views.rows import build_rows


@dataclass(frozen=True, slots=True)
class Place:
    """Where a link leads: the chunk it names, if any, and the page of the text."""

    chunk: Chunk | None
    window: str


@require_GET
@never_cache
def document_page(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Show a document's text, the cited chunk marked; managers also see what they can do."""
    try:
        document = document_to_read(request, document_id)
    except Http404:
        return _gone(request)
    is_manager = may_manage(request, document)
    if document.status != DocumentStatus.READY and not is_manager:
        return _gone(request)
    place = _place(request, document)
    if place is None:
        return _gone(request, document)
    chunks = document.chunks.filter(version=document.version).order_by("ordinal")
    window = Paginator(chunks, WINDOW).get_page(place.window)
    shown = list(window.object_list) if document.status == DocumentStatus.READY else []
    areas = lay_out(shown, place.chunk.pk if place.chunk else None)
    context = {
        "document": document,
        "row": build_rows([document])[0],
        "is_manager": is_manager,
        "areas": areas,
        "window": window,
        "open": place.chunk,
        "here": reverse("knowledge:document", args=[document.pk]),
    }
    return render(request, "knowledge/document.html", context)


def _place(request: HttpRequest, document: Document) -> Place | None:
    """Find the chunk a citation names; None when the document has changed since."""
    named = request.GET.get("chunk", "")
    if not named:
        return Place(None, request.GET.get("part", "1"))
    if not (named.isascii() and named.isdecimal() and len(named) < 19):
        return None
    chunk = document.chunks.filter(pk=int(named), version=document.version).first()
    return Place(chunk, str(window_of(chunk.ordinal))) if chunk else None


def _gone(request: HttpRequest, document: Document | None = None) -> HttpResponse:
    """Say that there is no such source; the same for one that never was and one of somebody else."""
    is_open = document is not None and document.status == DocumentStatus.READY
    return render(request, "knowledge/gone.html", {"document": document if is_open else None}, status=404)


@require_GET
@never_cache
def original(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Send the file as it was uploaded, always as a download."""
    document = document_to_read(request, document_id)
    if document.status != DocumentStatus.READY and not may_manage(request, document):
        raise Http404
    try:
        file = document.file.open("rb")
    except FileNotFoundError as exc:
        raise Http404 from exc
    response = FileResponse(
        file, as_attachment=True, filename=document.name, content_type="application/octet-stream"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
@never_cache
def state(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Answer a poll of the document's page; once reading is over the page loads anew."""
    row = build_rows([document_to_manage(request, document_id)])[0]
    if not row.is_moving:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "knowledge/_state.html", {"row": row, "document": row.document})
