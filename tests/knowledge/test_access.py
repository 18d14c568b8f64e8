"""Who may read and who may manage."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from accounts.models import User
from knowledge.access import manageable_collections, readable_collections
from knowledge.models import Collection, Visibility
from tests.knowledge.factories import make_collection

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _collections() -> None:
    for visibility in Visibility:
        make_collection(visibility.value, visibility)


def reads(user: User | AnonymousUser) -> set[str]:
    return set(readable_collections(user).values_list("slug", flat=True))


def manages(user: User | AnonymousUser) -> set[str]:
    return set(manageable_collections(user).values_list("slug", flat=True))


def test_a_guest_reads_what_everyone_may_and_manages_nothing() -> None:
    assert reads(AnonymousUser()) == {"everyone"}
    assert manages(AnonymousUser()) == set()


def test_a_signed_in_stranger_reads_what_signed_in_people_may() -> None:
    bob = User.objects.create_user("bob")

    assert reads(bob) == {"everyone", "signed_in"}
    assert manages(bob) == set()


def test_a_reader_reads_the_collections_of_their_groups() -> None:
    alice = User.objects.create_user("alice")
    group = Group.objects.create(name="students")
    alice.groups.add(group)
    collection = Collection.objects.get(slug="groups")

    before = reads(alice)
    collection.readers.add(group)

    assert before == {"everyone", "signed_in"}
    assert reads(alice) == {"everyone", "signed_in", "groups"}
    assert manages(alice) == set()


def test_a_manager_of_one_collection_reads_and_manages_that_one() -> None:
    alice = User.objects.create_user("alice")
    group = Group.objects.create(name="teachers")
    alice.groups.add(group)
    Collection.objects.get(slug="groups").managers.add(group)

    assert manages(alice) == {"groups"}
    assert "groups" in reads(alice)


def test_knowledge_administrators_and_superusers_manage_all() -> None:
    admin = User.objects.create_user("kim")
    admin.user_permissions.add(Permission.objects.get(codename="change_collection"))
    root = User.objects.create_superuser("root")

    for user in (admin, root):
        assert manages(user) == reads(user) == {"everyone", "signed_in", "groups"}


def test_someone_switched_off_is_a_guest() -> None:
    root = User.objects.create_superuser("root", is_active=False)

    assert reads(root) == {"everyone"}
    assert manages(root) == set()


def test_a_collection_shared_with_two_of_my_groups_is_listed_once() -> None:
    alice = User.objects.create_user("alice")
    for name in ("a", "b"):
        group = Group.objects.create(name=name)
        alice.groups.add(group)
        Collection.objects.get(slug="groups").readers.add(group)

    assert readable_collections(alice).count() == 3
