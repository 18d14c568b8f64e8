"""Collections: create, change, delete."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.forms import CollectionForm
from knowledge.models import Collection
from knowledge.views.doors import collection_to_manage, creator_required, manager_required, may_create


@require_http_methods(["GET", "POST"])
@creator_required
def create(request: HttpRequest) -> HttpResponse:
    """Make a collection."""
    form = CollectionForm(request.POST or None, may_share_management=True)
    if request.method == "POST" and form.is_valid():
        collection = ingest.create_collection(form.cleaned_data["name"])
        CollectionForm(request.POST, instance=collection, may_share_management=True).save()
        return redirect(_list_of(collection))
    return render(request, "knowledge/collection_form.html", {"form": form, "collection": None})


@require_http_methods(["GET", "POST"])
@manager_required
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change name, description, and who may read and change it."""
    collection = collection_to_manage(request, slug)
    form = CollectionForm(request.POST or None, instance=collection, may_share_management=may_create(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The collection was saved."))
        return redirect(_list_of(collection))
    context = {"form": form, "collection": Collection.objects.get(pk=collection.pk)}
    return render(request, "knowledge/collection_form.html", context)


@require_http_methods(["GET", "POST"])
@creator_required
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what is lost, then delete the collection with its documents."""
    collection = collection_to_manage(request, slug)
    if request.method == "GET":
        name = "_delete_collection.html" if request.headers.get("HX-Request") else "delete_collection.html"
        context = {"collection": collection, "count": collection.documents.count()}
        return render(request, f"knowledge/{name}", context)
    try:
        ingest.delete_collection(collection)
    except KnowledgeError as error:
        messages.error(request, error.user_message)
        return redirect(_list_of(collection))
    messages.success(request, _("“%(name)s” was deleted.") % {"name": collection.name})
    return redirect("knowledge:list")


def _list_of(collection: Collection) -> str:
    return f"{reverse('knowledge:list')}?{urlencode({'collection': collection.slug})}"
