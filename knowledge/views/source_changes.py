"""What people do with sources: follow, change, look now, stop, pause, give up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit
from accounts.models import User
from knowledge.errors import KnowledgeError
from knowledge.models import Source
from knowledge.sources import looks
from knowledge.sources.forms import SourceForm
from knowledge.views.doors import collection_to_manage, manager_required, reader
from knowledge.views.sources import source_to_manage


@require_http_methods(["GET", "POST"])
@manager_required
def new_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Follow a page, a site or a folder, and look at it at once."""
    collection = collection_to_manage(request, slug)
    form = SourceForm(request.POST or None, collection=collection)
    if request.method == "POST" and form.is_valid():
        user = reader(request)
        form.instance.created_by = user if isinstance(user, User) else None
        source = form.save()
        audit.record(request, "source.add", f"source:{source.pk}")
        looks.look_now(source)
        return redirect("knowledge:sources", slug)
    return render(request, "knowledge/sources/form.html", {"form": form, "collection": collection})


@require_http_methods(["GET", "POST"])
@manager_required
def edit_source(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change how far and how often a source is looked at."""
    source = source_to_manage(request, slug, pk)
    form = SourceForm(request.POST or None, instance=source, collection=source.collection)
    if request.method == "POST" and form.is_valid():
        form.save()
        looks.pause(source, is_active=source.is_active)  # its next time follows from the new rhythm
        messages.success(request, _("The source was saved."))
        return redirect("knowledge:sources", slug)
    context = {"form": form, "collection": source.collection, "source": source}
    return render(request, "knowledge/sources/form.html", context)


@require_POST
@manager_required
def look(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Look at a source now."""
    looks.look_now(source_to_manage(request, slug, pk))
    return _back(request, slug)


@require_POST
@manager_required
def stop(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Stop looking at a source."""
    looks.stop(source_to_manage(request, slug, pk))
    return _back(request, slug)


@require_POST
@manager_required
def pause(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Look no more on a schedule, or again."""
    source = source_to_manage(request, slug, pk)
    looks.pause(source, is_active=request.POST.get("active") == "1")
    return _back(request, slug)


@require_http_methods(["GET", "POST"])
@manager_required
def delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask whether its documents stay, then follow the source no longer."""
    source = source_to_manage(request, slug, pk)
    if request.method == "GET":
        name = "_delete.html" if request.headers.get("HX-Request") else "delete.html"
        context = {"source": source, "collection": source.collection, "count": source.documents.count()}
        return render(request, f"knowledge/sources/{name}", context)
    return _deleted(request, slug, source)


def _deleted(request: HttpRequest, slug: str, source: Source) -> HttpResponse:
    audit.record(request, "source.delete", f"source:{source.pk}")
    address = source.address
    try:
        looks.delete_source(source, with_documents=request.POST.get("documents") == "delete")
    except KnowledgeError as error:
        messages.error(request, error.user_message)
    else:
        messages.success(request, _("“%(address)s” is followed no longer.") % {"address": address})
    return redirect("knowledge:sources", slug)


def _back(request: HttpRequest, slug: str) -> HttpResponse:
    """Return to the page the button stood on."""
    pk = request.POST.get("on", "")
    if pk.isascii() and pk.isdecimal() and len(pk) < 20:
        return redirect("knowledge:source", slug, int(pk))
    return redirect("knowledge:sources", slug)
