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
        reads = Collection.objects.filter(readers__in=user.groups.all())
        manages = Collection.objects.filter(managers__in=user.groups.all())
        rule |= Q(visibility=Visibility.SIGNED_IN)
        rule |= Q(visibility=Visibility.GROUPS, pk__in=reads.values("pk"))
        rule |= Q(pk__in=manages.values("pk"))
    return Collection.objects.filter(rule)


def manageable_collections(user: User | AnonymousUser) -> QuerySet[Collection]:
    """Collections this person may change: add, read again and delete documents."""
    if _manages_all(user):
        return Collection.objects.all()
    if not (isinstance(user, User) and user.is_active):
        return Collection.objects.none()
    manages = Collection.objects.filter(managers__in=user.groups.all())
    return Collection.objects.filter(pk__in=manages.values("pk"))  # once, however many groups


def _manages_all(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.has_perm(MANAGE_ALL)


def readable_to_signed_in() -> QuerySet[Collection]:
    """Collections that somebody may read who is signed in and in no group."""
    return Collection.objects.filter(visibility__in=[Visibility.EVERYONE, Visibility.SIGNED_IN])


def readable_to_group(group: Group) -> QuerySet[Collection]:
    """Collections that somebody may read who is in this group alone."""
    rule = Q(visibility__in=[Visibility.EVERYONE, Visibility.SIGNED_IN])
    rule |= Q(visibility=Visibility.GROUPS, readers=group) | Q(managers=group)
    return Collection.objects.filter(pk__in=Collection.objects.filter(rule).values("pk"))
