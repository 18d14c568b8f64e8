"""Uploads: one request with one or many files."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from knowledge import ingest
from knowledge.bulk import Refusal
from knowledge.errors import KnowledgeError
from knowledge.extract.errors import ExtractError
from knowledge.forms import UploadForm
from knowledge.models import Collection
from knowledge.views.doors import managed, manager_required, reader
from knowledge.views.notices import keep_refusals


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; no error = it was added."""

    name: str
    document: str = ""
    code: str = ""
    message: str = ""


@require_POST
@manager_required
def upload(request: HttpRequest) -> HttpResponse:
    """Add each file, or say why not. With `Accept: application/json` the outcomes come as JSON."""
    wants_json = request.headers.get("Accept", "").startswith("application/json")
    form = UploadForm(request.POST, request.FILES, collections=managed(request))
    if not form.is_valid():
        sentence = _("Nothing was added. Choose a collection and at least one file.")
        if wants_json:
            return JsonResponse({"files": [], "error": sentence}, status=400)
        messages.error(request, sentence)
        return redirect("knowledge:list")
    collection = form.cleaned_data["collection"]
    user = reader(request)
    owner = user if isinstance(user, User) else None
    outcomes = [_add(collection, file, owner) for file in form.cleaned_data["files"]]
    refused = [Refusal(one.name, one.message) for one in outcomes if one.code]
    if wants_json:  # a page sends its files one by one: the first begins a new list of refusals
        keep_refusals(request, "upload", refused, is_more=not request.POST.get("is_first"))
        return JsonResponse({"files": [_as_json(one) for one in outcomes]})
    keep_refusals(request, "upload", refused)
    _tell(request, outcomes)
    return redirect(f"{reverse('knowledge:list')}?{urlencode({'collection': collection.slug})}")


def _add(collection: Collection, file: "UploadedFile[bytes]", owner: User | None) -> Outcome:
    name = file.name or ""
    try:
        document = ingest.add_document(collection, name, file, owner=owner)
    except (ExtractError, KnowledgeError) as error:
        return Outcome(name, code=str(error.code), message=error.user_message)
    return Outcome(document.name, document=str(document.pk))


def _as_json(outcome: Outcome) -> dict[str, object]:
    error = {"code": outcome.code, "message": outcome.message} if outcome.code else None
    return {"name": outcome.name, "document": outcome.document or None, "error": error}


def _tell(request: HttpRequest, outcomes: list[Outcome]) -> None:
    added = sum(1 for one in outcomes if not one.code)
    if added:
        sentence = ngettext(
            "%(count)d document was added and is being read.",
            "%(count)d documents were added and are being read.",
            added,
        )
        messages.success(request, sentence % {"count": added})
