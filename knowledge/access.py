"""Which collections a person may read, and which they may manage: the only place that decides."""

from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import Q, QuerySet

from accounts.models import User
from knowledge.models import Collection, Visibility

MANAGE_ALL = "knowledge.change_collection"  # the permission of knowledge administrators


def readable_collections(user: User | AnonymousUser) -> QuerySet[Collection]:
    """Collections whose documents may answer this person. Guests are `AnonymousUser`."""
    if _manages_all(user):
        return Collection.objects.all()
    rule = Q(visibility=Visibility.EVERYONE)
    if isinstance(user, User) and user.is_active:
        groups = user.groups.values("pk")
        rule |= Q(visibility=Visibility.SIGNED_IN)
        rule |= Q(visibility=Visibility.GROUPS, pk__in=_with_reader_in(groups))
        rule |= Q(pk__in=_with_manager_in(groups))
    return Collection.objects.filter(rule)


def manageable_collections(user: User | AnonymousUser) -> QuerySet[Collection]:
    """Collections this person may change: add, read again and delete documents."""
    if _manages_all(user):
        return Collection.objects.all()
    if not (isinstance(user, User) and user.is_active):
        return Collection.objects.none()
    return Collection.objects.filter(pk__in=_with_manager_in(user.groups.values("pk")))


def _manages_all(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.has_perm(MANAGE_ALL)


def _with_reader_in(groups: QuerySet[Group, dict[str, int]]) -> QuerySet[Collection, dict[str, int]]:
    return Collection.objects.filter(readers__in=groups).values("pk")


def _with_manager_in(groups: QuerySet[Group, dict[str, int]]) -> QuerySet[Collection, dict[str, int]]:
    return Collection.objects.filter(managers__in=groups).values("pk")
