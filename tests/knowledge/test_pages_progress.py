"""Live progress of the administrator's list: one poll for all rows that move."""

import pytest
from django.test import Client

from knowledge import ingest
from knowledge.listing import stamp
from knowledge.models import Collection, Document
from tests.knowledge.factories import make_collection, make_document
from tests.knowledge.people import queue_one, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


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


def test_poll_takes_a_moved_document_out_of_its_old_list_and_tells_it(
    alice: Client, collection: Collection
) -> None:
    other = make_collection("other")
    document = make_document(collection, "Words.", title="Wanderer")
    seen = stamp(document)
    Document.objects.filter(pk=document.pk).update(collection=other)

    in_old = text_of(alice, f"/knowledge/progress/?collection={collection.slug}&seen={seen}")
    in_all = text_of(alice, f"/knowledge/progress/?seen={seen}")

    assert f'id="doc-{document.pk.hex}" hx-swap-oob="delete"' in in_old
    assert f'id="doc-{document.pk.hex}" hx-swap-oob="true"' in in_all
    assert "Wanderer.md: Ready." in in_all
