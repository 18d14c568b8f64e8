"""What a manager does to one chunk or to the whole document; forms that work with and without scripts."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from knowledge import ingest, versions
from knowledge.editing import MAX_CHARS, edit_chunk, switch_chunk
from knowledge.errors import KnowledgeError
from knowledge.extract.clean import clean
from knowledge.extract.errors import ExtractError, supported_sentence
from knowledge.extract.formats import SUFFIXES
from knowledge.models import Chunk, ChunkState, Document
from knowledge.views import desk
from knowledge.views.cards import Editing
from knowledge.views.doors import document_to_manage, manager_required, person
from knowledge.views.paper import lay_out
from knowledge.views.shown import draft_chunks, number_of
from knowledge.views.standing import facts


def _chunk(document: Document, chunk_id: int) -> Chunk:
    chunk = document.chunks.select_related("document__collection").filter(pk=chunk_id).first()
    if chunk is None:
        raise Http404
    return chunk


@require_POST
@manager_required
def switch(request: HttpRequest, document_id: UUID, chunk_id: int) -> HttpResponse:
    """Let a chunk answer, or not."""
    document = document_to_manage(request, document_id)
    try:
        switch_chunk(_chunk(document, chunk_id), is_on=request.POST.get("is_on") == "1", by=person(request))
    except KnowledgeError as error:
        return _refused(request, document, Editing(chunk_id, error=error.user_message), is_open=False)
    return _done(request, document, chunk_id, chunk_id)


@require_http_methods(["GET", "POST"])
@manager_required
@never_cache
def edit(request: HttpRequest, document_id: UUID, chunk_id: int) -> HttpResponse:
    """Open the form in a chunk's place, or put what was written there in its place."""
    document = document_to_manage(request, document_id)
    text = clean(request.POST.get("text", ""))
    chunk = document.chunks.select_related("document__collection").filter(pk=chunk_id).first()
    if _is_lost(document, chunk, request.POST.get("place", "")):
        return _lost(request, document, text)
    if overtaken := _overtaken(document, chunk, request.POST.get("place", ""), text):
        return _refused(request, document, overtaken)
    if chunk is None:
        raise Http404
    if request.method == "GET":
        if not request.headers.get("HX-Request"):
            return redirect(f"{_page(document)}?edit={chunk_id}#chunk-{chunk_id}")
        return _card(request, document, chunk_id, Editing(chunk_id, chunk.text))
    is_back = "restore" in request.POST
    if is_back:
        as_read = document.chunks.filter(version=chunk.version, ordinal=chunk.ordinal, edition=0).first()
        text = as_read.text if as_read else chunk.text
    if error := "" if is_back else _wrong(text):
        return _refused(request, document, Editing(chunk_id, text, error))
    try:
        edited = edit_chunk(chunk, text, by=person(request)) if text.strip() != chunk.text else chunk
    except KnowledgeError as failure:
        return _refused(request, document, Editing(chunk_id, text, failure.user_message))
    return _done(request, document, chunk_id, edited.pk)


def _overtaken(document: Document, chunk: Chunk | None, place: str, text: str) -> Editing | None:
    """Put what was written for a chunk that somebody else replaced into the form of what stands there now."""
    if chunk is not None and (chunk.version, chunk.state) != (document.version, ChunkState.REPLACED):
        return None
    version, ordinal = (chunk.version, chunk.ordinal) if chunk else map(number_of, place.partition(".")[::2])
    if not text or version != document.version or ordinal is None:
        return None
    now = draft_chunks(document).filter(ordinal=ordinal).first()
    if now is None or now.text == text.strip():
        return None
    error = _(
        "Somebody changed this passage meanwhile, so yours is not saved. Compare both, then save again."
    )
    return Editing(now.pk, text, error, is_overtaken=True)


def _is_lost(document: Document, chunk: Chunk | None, place: str) -> bool:
    """Say whether the form that is sent is for a chunk of a version before this one."""
    version = chunk.version if chunk else number_of(place.partition(".")[0])
    return bool(place) and version is not None and version < document.version


def _lost(request: HttpRequest, document: Document, text: str) -> HttpResponse:
    """Say that a newer version came meanwhile, and give back what was written."""
    name = "_chunk_lost.html" if request.headers.get("HX-Request") else "chunk_lost.html"
    return render(request, f"knowledge/{name}", {"document": document, "text": text})


def _wrong(text: str) -> str:
    """Say why a text cannot stand in a chunk's place; empty where it can."""
    if not text.strip():
        return _("Write something, or switch the chunk off.")
    if len(text.strip()) > MAX_CHARS:
        return _("At most %(limit)d characters. Shorten it.") % {"limit": MAX_CHARS}
    return ""


@require_GET
@manager_required
@never_cache
def card(request: HttpRequest, document_id: UUID, chunk_id: int) -> HttpResponse:
    """Draw one chunk of the list, as after the form in its place was given up."""
    return _card(request, document_to_manage(request, document_id), chunk_id)


def _card(
    request: HttpRequest, document: Document, chunk_id: int, editing: Editing | None = None
) -> HttpResponse:
    found = desk.card_of(document, chunk_id, editing)
    if found is None:
        raise Http404
    context = {"document": document, "card": found[0], "shown": found[1]}
    return render(request, "knowledge/_chunk.html", context)


def _done(request: HttpRequest, document: Document, before: int, now: int) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect(f"{_page(document)}?chunk={now}#chunk-{now}")
    found = desk.card_of(document, now)
    if found is None:
        raise Http404
    card_, shown = found
    context = {
        "document": document,
        "card": card_,
        "shown": shown,
        "area": lay_out([card_.chunk], now)[0],
        "before": before,
        "facts": facts(document),
    }
    return render(request, "knowledge/_chunk_done.html", context)


def _refused(
    request: HttpRequest, document: Document, editing: Editing, *, is_open: bool = True
) -> HttpResponse:
    """Show what was written with the reason why it was not taken; where it is gone the page loads anew."""
    if not request.headers.get("HX-Request"):
        answer = desk.page(request, document, editing) if is_open else None
        if answer is not None:
            return answer
        messages.error(request, editing.error)
        return redirect(_page(document))
    if is_open and desk.card_of(document, editing.chunk_id):
        return _card(request, document, editing.chunk_id, editing)
    messages.error(request, editing.error)
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


@require_POST
@manager_required
def enable(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Take a document into the draft, or out of it."""
    document = document_to_manage(request, document_id)
    is_on = request.POST.get("is_on") == "1"
    versions.enable_document(document, is_on=is_on, by=person(request))
    if is_on:
        messages.success(request, _("“%(name)s” is used again.") % {"name": document})
    elif document.collection.release_id:
        sentence = _("“%(name)s” is out of the draft. Visitors see that with the next release.")
        messages.success(request, sentence % {"name": document})
    else:
        messages.success(request, _("New answers no longer use “%(name)s”.") % {"name": document})
    return redirect(_page(document))


@require_POST
@manager_required
def again(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Read a document once more; its version answers meanwhile."""
    document = document_to_manage(request, document_id)
    if not ingest.process_again(document, by=person(request)):
        messages.error(request, _("This document is being read right now. Try again when it is ready."))
    return redirect(_page(document))


@require_http_methods(["GET", "POST"])
@manager_required
@never_cache
def replace(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Ask for a newer file, and take it."""
    document = document_to_manage(request, document_id)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        error = _("Choose a file.") if file is None else ""
        if file is not None:
            try:
                versions.replace_document(document, file.name or "", file, owner=person(request))
            except (ExtractError, KnowledgeError) as failure:
                error = failure.user_message
            else:
                return redirect(_page(document))
    is_part = request.headers.get("HX-Request") and request.method == "GET"
    name = "_replace_document.html" if is_part else "replace_document.html"
    context = {
        "document": document,
        "error": error,
        "next_version": document.version + 1,
        "accept": ",".join(SUFFIXES),
        "formats": supported_sentence(),
        "limit_mb": settings.MAX_UPLOAD_MB,
    }
    return render(request, f"knowledge/{name}", context, status=400 if error else 200)


def _page(document: Document) -> str:
    return reverse("knowledge:document", args=[document.pk])
