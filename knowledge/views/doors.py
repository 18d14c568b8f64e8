"""The only doors to rows for pages. Somebody else's row is a 404, the same as none."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.models import User
from accounts.roles import is_support_staff
from knowledge.access import manageable_collections, readable_collections
from knowledge.models import Collection, Document

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def reader(request: HttpRequest) -> User | AnonymousUser:
    """Return who asks."""
    user = request.user
    return user if isinstance(user, User) else AnonymousUser()


def person(request: HttpRequest) -> User | None:
    """Return the signed-in person, for what is written down with a name."""
    user = request.user
    return user if isinstance(user, User) else None


def managed(request: HttpRequest) -> QuerySet[Collection]:
    """Return the collections the person may manage."""
    return manageable_collections(reader(request))


def signed_in(view: View[P]) -> View[P]:
    """Send guests to sign in; what they posted cannot be opened afterwards, so the list is."""

    @wraps(view)
    def check(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        is_opening = request.method in ("GET", "HEAD")
        return redirect_to_login(request.get_full_path() if is_opening else reverse("knowledge:list"))

    return check


def manager_required(view: View[P]) -> View[P]:
    """Let in who may create collections or manages at least one; guests sign in first."""

    @wraps(view)
    def check(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not may_create(request) and not managed(request).exists():
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return signed_in(check)


def creator_required(view: View[P]) -> View[P]:
    """Let in who may create collections."""

    @wraps(view)
    def check(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not may_create(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return signed_in(check)


def may_create(request: HttpRequest) -> bool:
    """Say whether the person may create and delete collections."""
    user = reader(request)
    return isinstance(user, User) and user.has_perm("knowledge.add_collection")


def document_to_read(request: HttpRequest, document_id: UUID) -> Document:
    """Return a document the person may read. Raises: Http404."""
    return get_object_or_404(
        Document.objects.select_related("collection", "owner"),
        pk=document_id,
        collection__in=readable_collections(reader(request)),
    )


def document_to_manage(request: HttpRequest, document_id: UUID) -> Document:
    """Return a document the person may change. Raises: Http404."""
    return get_object_or_404(
        Document.objects.select_related("collection", "owner"),
        pk=document_id,
        collection__in=managed(request),
    )


def collection_to_manage(request: HttpRequest, slug: str) -> Collection:
    """Return a collection the person may change. Raises: Http404."""
    collection = managed(request).filter(slug=slug).first()
    if collection is None:
        raise Http404
    return collection


def manages(request: HttpRequest, collection: Collection) -> bool:
    """Say whether the person may change a collection."""
    return managed(request).filter(pk=collection.pk).exists()


def collection_to_answer(request: HttpRequest, slug: str) -> Collection:
    """Return a collection the person may write approved answers for. Raises: Http404.

    Its managers may, and support staff for what they may read.
    """
    person = reader(request)
    allowed = readable_collections(person) if is_support_staff(person) else managed(request)
    collection = (allowed | managed(request)).filter(slug=slug).first()
    if collection is None:
        raise Http404
    return collection


def may_manage(request: HttpRequest, document: Document) -> bool:
    """Say whether the person may change a document."""
    return managed(request).filter(pk=document.collection_id).exists()
