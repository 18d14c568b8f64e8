"""The language board of a collection."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge.golden.languages import build_languages
from knowledge.views.doors import collection_to_manage, manager_required


@require_GET
@manager_required
@never_cache
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is reached in each language, and what is missing."""
    collection = collection_to_manage(request, slug)
    context = {"collection": collection, "board": build_languages(collection)}
    return render(request, "knowledge/golden/languages.html", context)
