"""The summary on a document's page and on a collection's."""

import re

import pytest
from django.test import Client

from accounts.models import User
from jobs import worker
from jobs.models import Job
from knowledge.models import ChunkState, Collection, Document, Summary
from knowledge.releases import publishing
from tests.knowledge.factories import make_document
from tests.knowledge.people import NOBODYS, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]

RETURNS = "You may return a <b>kettle</b> within 30 days of delivery. The box must be complete."
PART = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def document(collection: Collection) -> Document:
    return make_document(collection, RETURNS, "The warranty of every kettle lasts two years.", title="Terms")


def address(document: Document) -> str:
    return f"/knowledge/documents/{document.pk}/summary/"


def make(client: Client, url: str) -> None:
    assert client.post(f"{url}make/").status_code == 302
    worker.work("inference")


def test_a_manager_makes_a_summary_and_reads_it_with_links_to_its_passages(
    alice: Client, document: Document
) -> None:
    assert "Make a summary" in text_of(alice, address(document))

    make(alice, address(document))

    page = text_of(alice, address(document))
    chunk = document.chunks.get(ordinal=0)
    assert f'href="/knowledge/documents/{document.pk}/?chunk={chunk.pk}#chunk-{chunk.pk}"' in page
    assert "Sentences taken from the document" in page
    assert "Make it again" in page
    assert "&lt;b&gt;kettle&lt;/b&gt;" in page


def test_a_guest_reads_the_summary_of_a_public_document_and_cannot_make_one(
    client: Client, alice: Client, document: Document
) -> None:
    make(alice, address(document))

    page = text_of(client, address(document))

    assert "30 days" in page
    assert "Make it again" not in page
    assert client.post(f"{address(document)}make/").status_code == 302  # to sign in
    assert Job.objects.filter(kind="summary").count() == 1


def test_a_reader_sees_nothing_where_there_is_no_summary(client: Client, document: Document) -> None:
    part = client.get(address(document), **PART)  # type: ignore[arg-type]
    page = client.get(address(document))

    assert (part.status_code, part.content) == (200, b"")
    assert page.status_code == 404


def test_a_stranger_finds_neither_summary_nor_document(
    bob: Client, alice: Client, private: Collection
) -> None:
    document = make_document(private, "Secret words are written here.", title="Secret")
    make(alice, address(document))
    make(alice, f"/knowledge/{private.slug}/summary/")

    hidden = bob.get(address(document))
    missing = bob.get(f"/knowledge/documents/{NOBODYS}/summary/")
    collection = bob.get(f"/knowledge/{private.slug}/summary/")

    assert {hidden.status_code, missing.status_code, collection.status_code} == {404}
    assert bob.post(f"{address(document)}make/").status_code == 403
    assert "Secret" not in hidden.content.decode()


def test_the_card_tells_how_far_it_is_and_asks_again_until_it_is_over(
    alice: Client, document: Document
) -> None:
    alice.post(f"{address(document)}make/")
    waiting = alice.get(address(document), **PART).content.decode()  # type: ignore[arg-type]
    Summary.objects.update(work={"done": 2, "total": 7})
    running = alice.get(address(document), **PART).content.decode()  # type: ignore[arg-type]
    Summary.objects.update(work={})
    worker.work("inference")
    over = alice.get(address(document), **PART).content.decode()  # type: ignore[arg-type]

    assert "chats go first" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    assert "Reading part 3 of 7" in running
    assert "every 1s" not in over
    assert re.search(r"<p dir=\"auto\">.*30 days", over)


def test_stopping_says_that_it_was_stopped(alice: Client, document: Document) -> None:
    alice.post(f"{address(document)}make/")

    stopped = alice.post(f"{address(document)}stop/", **PART).content.decode()  # type: ignore[arg-type]

    assert "Stopped. Nothing was changed." in stopped
    assert "Make a summary" in stopped


def test_a_failure_is_a_sentence(alice: Client, document: Document) -> None:
    Summary.objects.create(document=document, error_code="model_not_found")

    assert "The site’s model is not installed." in text_of(alice, address(document))


def test_a_summary_of_an_older_version_says_so_to_managers_and_is_not_shown_to_readers(
    alice: Client, client: Client, document: Document
) -> None:
    make(alice, address(document))
    document.chunks.update(version=2)
    Document.objects.filter(pk=document.pk).update(version=2)
    chunk = document.chunks.get(ordinal=0)
    chunk.sha256 = "1" * 64
    chunk.save()

    page = text_of(alice, address(document))

    assert "This summary is of version 1; the document is at version 2." in page
    assert client.get(address(document)).status_code == 404


def test_a_summary_of_the_draft_is_not_shown_to_readers_of_a_release(
    alice: Client, client: Client, document: Document
) -> None:
    publishing.publish(document.collection, by=User.objects.get(username="alice"))
    chunk = document.chunks.get(ordinal=1)
    chunk.state = "off"
    chunk.save()
    make(alice, address(document))

    assert client.get(address(document)).status_code == 404
    assert "30 days" in text_of(alice, address(document))


def test_a_collection_has_a_summary_of_its_documents(
    alice: Client, client: Client, document: Document
) -> None:
    url = f"/knowledge/{document.collection.slug}/summary/"
    make(alice, url)

    page = text_of(client, url)

    assert "Terms: " in page
    assert "30 days" in page


def test_a_collections_summary_is_not_shown_once_a_chunk_it_cites_is_off(
    alice: Client, client: Client, document: Document
) -> None:
    url = f"/knowledge/{document.collection.slug}/summary/"
    make(alice, url)
    text_of(client, url)

    document.chunks.filter(ordinal=0).update(state=ChunkState.OFF)

    text_of(client, url, status=404)
    assert "have changed since" in text_of(alice, url)
