"""A document as its readers see it: where citations lead, and the original file."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge.failures import what_stands
from knowledge.models import Document, DocumentStatus, DocumentVersion
from knowledge.views import desk
from knowledge.views.doors import document_to_manage, document_to_read, may_manage
from knowledge.views.leaves import leaf_of
from knowledge.views.paper import lay_out
from knowledge.views.rows import build_rows
from knowledge.views.shown import Shown, answering, for_reader, number_of


@require_GET
@never_cache
def document_page(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Show a document's text, the cited chunk marked; managers get their desk around it."""
    try:
        document = document_to_read(request, document_id)
    except Http404:
        return _gone(request)
    if may_manage(request, document):
        return desk.page(request, document) or _gone(request, document, is_open=True)
    shown = for_reader(document, request.GET.get("chunk", ""))
    if shown is None:
        return _gone(request, document, is_open=answering(document).exists())
    return _reading(request, document, shown)


def _reading(request: HttpRequest, document: Document, shown: Shown) -> HttpResponse:
    leaf = leaf_of(shown, part=request.GET.get("part", ""), by_page=False)
    version = document.versions.filter(number=shown.version).first()
    here = {"chunk": str(shown.open.pk)} if shown.open and shown.release else {}
    context = {
        "document": document,
        "version": version,
        "title": version.title if version else str(document),
        "shown": shown,
        "leaf": leaf,
        "areas": lay_out(leaf.chunks, shown.open.pk if shown.open else None),
        "here": urlencode(here),
    }
    return render(request, "knowledge/reading.html", context)


def _gone(request: HttpRequest, document: Document | None = None, *, is_open: bool = False) -> HttpResponse:
    """Say that there is no such source; the same for one that never was and one of somebody else."""
    return render(request, "knowledge/gone.html", {"document": document if is_open else None}, status=404)


@require_GET
@never_cache
def original(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Send the file as it was uploaded, always as a download.

    Readers get that of the version that answers them, or of one that a kept release holds.
    """
    document = document_to_read(request, document_id)
    version = _version_to_send(request, document)
    name, stored = (version.name, version.file) if version else (document.name, document.file.name or "")
    try:
        file = document.file.storage.open(stored, "rb")
    except FileNotFoundError as exc:
        raise Http404 from exc
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _version_to_send(request: HttpRequest, document: Document) -> DocumentVersion | None:
    """Return the version whose file is asked for; None for the newest file. Raises: Http404."""
    named = request.GET.get("version", "")
    wanted = number_of(named)
    version = document.versions.filter(number=wanted).first() if wanted else None
    if named and version is None:
        raise Http404
    if may_manage(request, document):
        return version
    if document.status == DocumentStatus.DELETING:
        raise Http404
    now = for_reader(document, "")
    if version is None:
        if now is None:
            raise Http404
        return document.versions.filter(number=now.version).first()
    is_held = document.chunks.filter(version=version.number, memberships__isnull=False).exists()
    if not is_held and (now is None or now.version != version.number):
        raise Http404
    return version


@require_GET
@never_cache
def state(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Answer a poll of the document's page; once reading is over the page loads anew."""
    document = document_to_manage(request, document_id)
    row = build_rows([document], with_wait=True)[0]
    if not row.is_moving:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context = {"row": row, "document": document, "stands": what_stands(document)}
    return render(request, "knowledge/_state.html", context)
