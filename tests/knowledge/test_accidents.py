"""What befalls the pages: two people at once, and what unlucky managers do."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.test import Client

from knowledge import clearing, ingest, moving, versions
from knowledge.editing import edit_chunk
from knowledge.models import (
    Collection,
    Document,
    GoldenQuestion,
    Summary,
    Visibility,
)
from knowledge.releases import publishing, trial
from tests.knowledge.factories import make_collection
from tests.knowledge.people import person, signed_in, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
TEXT = "# Returns\n\nA kettle can be returned within thirty days of delivery.\n"
ROADS = "# Delivery\n\nParcels to the islands travel by ferry on Tuesdays.\n"
HTMX = {"HX-Request": "true"}


def read(collection: Collection, text: str = TEXT, name: str = "shop.md") -> Document:
    document = ingest.add_document(collection, name, ContentFile(text.encode()), owner=None, queue=False)
    return ingest.ingest_now(document)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
@pytest.mark.parametrize("edits", [1, 2])
def test_what_the_second_of_two_editors_wrote_is_kept_with_the_reason(
    alice: Client, collection: Collection, headers: dict[str, str], edits: int
) -> None:
    document = read(collection)
    opened = document.chunks.get()
    if edits == 2:
        opened = edit_chunk(opened, "An edit from yesterday.")
    edit_chunk(opened, "The first of them was faster.")

    answer = alice.post(
        f"/knowledge/documents/{document.pk}/chunks/{opened.pk}/edit/",
        {"text": "The second wrote a lot.", "place": f"1.{opened.ordinal}"},
        headers=headers,
    )

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "The second wrote a lot." in shown
    assert "Somebody changed this passage meanwhile, so yours is not saved." in shown
    assert shown.count("The first of them was faster.") == (1 if headers else 2)
    assert document.chunks.filter(state="live").get().text == "The first of them was faster."


def test_the_file_of_a_document_being_deleted_is_gone_for_readers(
    client: Client, collection: Collection
) -> None:
    document = read(collection)
    publishing.publish(collection, by=None)
    clearing.delete_later(Document.objects.filter(pk=document.pk))

    for rest in ("", "?version=1"):
        assert client.get(f"/knowledge/documents/{document.pk}/original/{rest}").status_code == 404


def test_a_release_all_of_whose_documents_are_gone_is_not_gone_back_to(
    alice: Client, collection: Collection
) -> None:
    first = read(collection)
    old = publishing.publish(collection, by=None)
    read(collection, ROADS, "roads.md")
    ingest.delete_document(first)
    live = publishing.publish(collection, by=None)

    page = alice.post(f"/knowledge/{collection.slug}/release/{old.number}/back/", follow=True)

    collection.refresh_from_db()
    assert collection.release_id == live.pk
    assert "nothing left in release 1" in page.content.decode()


def test_publishing_the_same_draft_twice_makes_one_release(alice: Client, collection: Collection) -> None:
    read(collection)
    trial.try_now(collection)
    address = f"/knowledge/{collection.slug}/release/publish/"

    alice.post(address, {"reason": "We open today."})
    page = alice.post(address, {"reason": "We open today."}, follow=True)

    assert collection.releases.count() == 1
    assert "is live already" in page.content.decode()


def test_a_document_that_moves_away_takes_what_was_said_of_it_along(collection: Collection) -> None:
    document = read(collection)
    question = GoldenQuestion.objects.create(collection=collection, text="Kettles?", document=document)
    summary = Summary.objects.create(
        collection=collection, text="Kettles: thirty days.", passages=[{"document": str(document.pk)}]
    )
    board = make_collection("board", Visibility.GROUPS)

    moving.move_document(document, board)

    question.refresh_from_db()
    summary.refresh_from_db()
    assert question.document is None
    assert summary.text == ""


@pytest.mark.parametrize("count", [1000, 1001])
def test_as_many_documents_as_an_action_takes_can_be_chosen_and_one_more(
    alice: Client, collection: Collection, count: int
) -> None:
    document = read(collection)
    ids = [str(document.pk), *(str(uuid4()) for _ in range(count - 1))]

    asked = alice.post("/knowledge/bulk/", {"action": "delete", "document": ids, "next": "/knowledge/"})
    done = alice.post(
        "/knowledge/bulk/",
        {"action": "delete", "document": ids, "next": "/knowledge/", "confirmed": "1"},
        follow=True,
    )

    assert asked.status_code == 200
    assert "1 document is being deleted." in done.content.decode()


def test_a_manager_who_lost_the_group_can_undo_nothing(collection: Collection) -> None:
    document = read(collection)
    group = Group.objects.create(name="shop")
    collection.managers.set([group])
    other = make_collection("other")
    other.managers.set([own := Group.objects.create(name="other")])
    carol = person("carol")
    carol.groups.set([group, own])
    client = signed_in(carol)
    client.post("/knowledge/bulk/", {"action": "disable", "document": [str(document.pk)]})
    carol.groups.set([own])

    client.post("/knowledge/bulk/", {"action": "undo"})

    document.refresh_from_db()
    assert document.is_disabled


@pytest.mark.parametrize("undo", ["1", "7", "٣", "x"])
def test_the_page_offers_no_undo_of_what_did_not_happen(
    alice: Client, collection: Collection, undo: str
) -> None:
    read(collection)
    publishing.publish(collection, by=None)

    page = text_of(alice, f"/knowledge/{collection.slug}/release/?undo={undo}")

    assert "Undo" not in page


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
@pytest.mark.parametrize("is_released", [False, True])
def test_what_was_written_is_given_back_where_a_newer_version_came_meanwhile(
    alice: Client, collection: Collection, headers: dict[str, str], is_released: bool
) -> None:
    document = read(collection)
    opened = document.chunks.get()
    if is_released:
        publishing.publish(collection, by=None)
    versions.replace_document(document, "newer.md", ContentFile(ROADS.encode()), queue=False)
    ingest.ingest_now(document)

    answer = alice.post(
        f"/knowledge/documents/{document.pk}/chunks/{opened.pk}/edit/",
        {"text": "I wrote a lot.", "place": "1.0"},
        headers=headers,
    )

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "I wrote a lot." in shown
    assert "A newer version of this document was read meanwhile" in shown


@pytest.mark.parametrize("action", ["again", "enable", "disable"])
def test_nothing_is_done_to_documents_that_are_being_deleted(
    alice: Client, collection: Collection, action: str
) -> None:
    document = read(collection)
    clearing.delete_later(Document.objects.filter(pk=document.pk))

    page = alice.post("/knowledge/bulk/", {"action": action, "document": [str(document.pk)]}, follow=True)

    assert "Nothing was chosen that this can be done to." in page.content.decode()
