"""Making, changing and deleting collections."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from knowledge import ingest
from knowledge.models import Collection, Visibility
from tests.knowledge.people import (
    LIST,
    person,
    queue_one,
    signed_in,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


def test_administrator_makes_a_collection(alice: Client) -> None:
    group = Group.objects.create(name="Readers")

    response = alice.post(
        "/knowledge/collections/new/",
        {"name": "Heat pumps", "description": "All of them", "visibility": "groups", "readers": [group.pk]},
    )

    assert response["Location"] == f"{LIST}?collection=heat-pumps"
    collection = Collection.objects.get()
    assert collection.visibility == Visibility.GROUPS
    assert list(collection.readers.all()) == [group]


def test_collection_for_groups_needs_a_group(alice: Client) -> None:
    response = alice.post("/knowledge/collections/new/", {"name": "Heat pumps", "visibility": "groups"})

    assert response.status_code == 200
    assert "Choose at least one group" in response.content.decode()
    assert not Collection.objects.exists()


def test_manager_changes_readers_but_not_managers(private: Collection) -> None:
    group = Group.objects.create(name="Pump team")
    private.managers.add(group)
    carol = person("carol")
    carol.groups.add(group)

    signed_in(carol).post(
        f"/knowledge/collections/{private.slug}/edit/",
        {"name": "Renamed", "visibility": "signed_in", "managers": []},
    )

    private.refresh_from_db()
    assert private.name == "Renamed"
    assert list(private.managers.all()) == [group]
    assert signed_in(carol).post(f"/knowledge/collections/{private.slug}/delete/").status_code == 403


def test_collection_is_deleted_with_its_documents(alice: Client, collection: Collection) -> None:
    ingest.ingest_now(queue_one(collection))
    url = f"/knowledge/collections/{collection.slug}/delete/"

    page = text_of(alice, url)
    alice.post(url)

    assert "Its 1 document" in page
    assert not Collection.objects.exists()


def test_stranger_may_neither_make_nor_change_collections(bob: Client, collection: Collection) -> None:
    assert bob.get("/knowledge/collections/new/").status_code == 403
    assert bob.get(f"/knowledge/collections/{collection.slug}/edit/").status_code == 403
