"""What can be done to one document."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.models import Document
from knowledge.views.doors import document_to_manage, manager_required, person
from knowledge.views.going_back import our_url


@require_POST
@manager_required
def retry(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Read a failed document again."""
    ingest.retry_document(document_to_manage(request, document_id), by=person(request))
    return _back(request)


@require_POST
@manager_required
def stop(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Stop reading a document."""
    ingest.cancel_document(document_to_manage(request, document_id), by=person(request))
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
    return redirect(our_url(request, request.POST.get("next", "")) or reverse("knowledge:list"))


def _next(request: HttpRequest, document: Document) -> str:
    """Where to go once the document is gone: the list it was opened from."""
    listed = f"{reverse('knowledge:list')}?{urlencode({'collection': document.collection.slug})}"
    return our_url(request, request.GET.get("next", "")) or listed
