"""The administrator's list: filters, paging, live progress."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from knowledge import ingest
from knowledge.listing import stamp
from knowledge.models import Collection, Document
from tests.knowledge.factories import make_document
from tests.knowledge.people import (
    LIST,
    fail,
    person,
    queue_one,
    signed_in,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


def test_guest_signs_in_first(client: Client) -> None:
    response = client.get(LIST)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_person_who_manages_nothing_may_not_see_the_list(bob: Client) -> None:
    assert bob.get(LIST).status_code == 403


def test_list_shows_collections_with_counts_and_documents_with_states(
    alice: Client, collection: Collection
) -> None:
    make_document(collection, "Words.", title="Ready one")
    queue_one(collection, "waiting.txt")
    fail(queue_one(collection, "locked.pdf", "%PDF"))

    page = text_of(alice, f"{LIST}?collection={collection.slug}")

    assert "Ready one" in page
    assert "Next in line" in page
    assert "Password protected" in page
    assert "This file is protected by a password." in page
    assert 'In progress <span class="count">1</span>' in page
    assert 'Needs attention <span class="count">1</span>' in page


def test_list_of_a_manager_holds_only_managed_collections(
    collection: Collection, private: Collection
) -> None:
    group = Group.objects.create(name="Pump team")
    private.managers.add(group)
    make_document(collection, "Words.", title="Not mine")
    make_document(private, "Words.", title="Mine")
    carol = person("carol")
    carol.groups.add(group)

    page = text_of(signed_in(carol), LIST)

    assert "Mine" in page
    assert "Not mine" not in page
    assert signed_in(carol).get(f"{LIST}?collection={collection.slug}").status_code == 404


def test_list_can_be_filtered_and_searched(alice: Client, collection: Collection) -> None:
    make_document(collection, "Words.", title="Warranty")
    make_document(collection, "Words.", title="Returns")
    fail(queue_one(collection, "warranty-locked.pdf", "%PDF"))

    assert "Returns" not in text_of(alice, f"{LIST}?q=warr")
    assert "warranty-locked" in text_of(alice, f"{LIST}?q=warr&status=attention")
    assert "Returns" not in text_of(alice, f"{LIST}?status=attention")
    assert "No document fits" in text_of(alice, f"{LIST}?q=zzz")


def test_list_shows_twenty_five_a_page(alice: Client, collection: Collection) -> None:
    for number in range(27):
        make_document(collection, "Words.", title=f"Sheet {number:02}")

    first, second = text_of(alice, LIST), text_of(alice, f"{LIST}?page=2")

    assert first.count('class="doc-name"') == 25
    assert second.count('class="doc-name"') == 2
    assert "26 to 27 of 27" in second


def test_list_asks_as_much_for_many_documents_as_for_few(
    alice: Client, collection: Collection, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        queue_one(collection, f"{number}.txt", f"Words {number}.")

    with django_assert_max_num_queries(20):
        alice.get(LIST)


def test_poll_says_nothing_while_nothing_changes(alice: Client, collection: Collection) -> None:
    document = queue_one(collection)

    response = alice.get(f"/knowledge/progress/?seen={stamp(document)}")

    assert response.status_code == 204


def test_poll_brings_changed_rows_and_goes_on_while_one_moves(alice: Client, collection: Collection) -> None:
    first, second = queue_one(collection, "a.txt", "A."), queue_one(collection, "b.txt", "B.")
    seen = f"{stamp(first)},{stamp(second)}"
    Document.objects.filter(pk=first.pk).update(status="embedding", progress_done=3, progress_total=9)

    page = text_of(alice, f"/knowledge/progress/?seen={seen}")

    assert f'id="doc-{first.pk.hex}" hx-swap-oob="true"' in page
    assert "3 of 9 chunks" in page
    assert second.pk.hex not in page.partition("<template>")[2]
    assert 'hx-trigger="every 1s"' in page


def test_poll_ends_when_nothing_moves_any_more(alice: Client, collection: Collection) -> None:
    document = queue_one(collection)
    seen = stamp(document)
    ingest.ingest_now(document)

    page = text_of(alice, f"/knowledge/progress/?seen={seen}")

    assert "Ready" in page
    assert "hx-trigger" not in page


def test_poll_takes_deleted_rows_away(alice: Client, collection: Collection) -> None:
    document = queue_one(collection)
    seen = stamp(document)
    ingest.delete_document(document)

    page = text_of(alice, f"/knowledge/progress/?seen={seen},nonsense,:::")

    assert f'<tbody id="doc-{document.pk.hex}" hx-swap-oob="delete">' in page
