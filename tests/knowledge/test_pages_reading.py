"""The page a citation leads to, and the original file."""

import io
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from jobs import worker
from knowledge import ingest
from knowledge.models import Collection, Document
from tests.knowledge.factories import make_document
from tests.knowledge.people import (
    LIST,
    NOBODYS,
    queue_one,
    text_of,
    without_what_varies,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


def read_text(client: Client, document: Document, query: str = "", status: int = 200) -> str:
    return text_of(client, f"/knowledge/documents/{document.pk}/{query}", status)


def test_guest_reads_the_cited_passage_of_a_public_document(client: Client, collection: Collection) -> None:
    document = make_document(collection, "First part.", "The pump is covered for five years.", title="Terms")
    chunk = document.chunks.get(ordinal=1)

    page = read_text(client, document, f"?chunk={chunk.pk}")

    assert f'class="area is-open" id="chunk-{chunk.pk}"' in page
    assert "The pump is covered for five years." in page
    assert "/delete/" not in page


def test_document_text_is_escaped(client: Client, collection: Collection) -> None:
    document = make_document(collection, "<script>alert(1)</script> & more", title="<b>Bold</b>")

    page = read_text(client, document)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>Bold" not in page


def test_private_document_looks_like_one_that_never_was(bob: Client, private: Collection) -> None:
    document = make_document(private, "Secret words.")

    hidden = bob.get(f"/knowledge/documents/{document.pk}/")
    missing = bob.get(f"/knowledge/documents/{NOBODYS}/")

    assert hidden.status_code == missing.status_code == 404
    assert "This source is no longer available" in hidden.content.decode()
    assert "Secret" not in hidden.content.decode()
    assert without_what_varies(hidden.content) == without_what_varies(missing.content)


@pytest.mark.parametrize("chunk", ["999999", "x", "1e3", "99999999999999999999999", "-1"])
def test_citation_of_an_earlier_version_is_no_longer_available(
    client: Client, collection: Collection, chunk: str
) -> None:
    document = make_document(collection, "Words.")

    page = read_text(client, document, f"?chunk={chunk}", status=404)

    assert "This source is no longer available" in page
    assert "Open the document as it is now" in page


def test_document_that_is_not_ready_is_only_there_for_managers(
    client: Client, alice: Client, collection: Collection
) -> None:
    document = queue_one(collection)

    read_text(client, document, status=404)
    assert "Queued" in read_text(alice, document)


def test_manager_sees_chunks_and_actions(alice: Client, collection: Collection) -> None:
    document = make_document(collection, "Some words.", title="Terms")

    page = read_text(alice, document)

    assert "Chunks" in page
    assert reverse("knowledge:delete", args=[document.pk]) in page


def test_page_of_a_document_being_read_reloads_when_it_is_ready(
    alice: Client, collection: Collection
) -> None:
    document = queue_one(collection)
    url = f"/knowledge/documents/{document.pk}/state/"

    waiting = alice.get(url)
    ingest.ingest_now(document)
    ready = alice.get(url)

    assert "Queued" in waiting.content.decode()
    assert ready["HX-Refresh"] == "true"


def test_original_is_a_download_for_readers_only(
    client: Client, collection: Collection, private: Collection
) -> None:
    public = make_document(collection, "Words.", title='מדריך "H2"')
    hidden = make_document(private, "Words.")

    response = client.get(f"/knowledge/documents/{public.pk}/original/")

    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response.streaming_content) == b"Words."  # type: ignore[attr-defined]
    assert client.get(f"/knowledge/documents/{hidden.pk}/original/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_document_that_was_read_in_part_says_what_is_missing(alice: Client, collection: Collection) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pump.txt", "The pump is covered for five years.")
        archive.writestr("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    document = ingest.add_document(collection, "papers.zip", ContentFile(packed.getvalue()), owner=None)

    worker.work("ingestion")

    page = read_text(alice, document)
    assert "Ready, in part" in page
    assert "letter.doc: Not read" in page
    assert "covered for five years" in page
    assert "Ready, in part" in text_of(alice, LIST)
    assert "letter.doc" not in read_text(Client(), document)
