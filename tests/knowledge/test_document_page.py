"""The page of a document for those who manage it, and what readers see of versions and releases."""

import re

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import translation

from inference.errors import EngineUnavailable
from knowledge import ingest, versions
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.models import Chunk, ChunkState, Collection, Document, DocumentStatus
from knowledge.releases import publishing
from tests.knowledge.people import fail, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
RETURNS = "# Returns\n\nA kettle can be returned within thirty days of delivery.\n"
LONGER = "# Returns\n\nA kettle can be returned within sixty days of delivery.\n"
ROADS = "\n# Delivery\n\nParcels to the islands travel by ferry on Tuesdays.\n"


def read(collection: Collection, text: str = RETURNS + ROADS, name: str = "shop.md") -> Document:
    document = ingest.add_document(collection, name, ContentFile(text.encode()), owner=None, queue=False)
    return ingest.ingest_now(document)


def replace(document: Document, text: str) -> Document:
    versions.replace_document(document, "newer.md", ContentFile(text.encode()), queue=False)
    return ingest.ingest_now(document)


def at(document: Document, rest: str = "") -> str:
    return f"/knowledge/documents/{document.pk}/{rest}"


def chunk(document: Document, ordinal: int = 0) -> Chunk:
    return document.chunks.filter(version=document.version).order_by("ordinal", "-edition")[ordinal]


def test_a_click_on_a_chunk_marks_it_on_both_sides(alice: Client, collection: Collection) -> None:
    document = read(collection)
    second = chunk(document, 1)

    page = text_of(alice, at(document, f"?chunk={second.pk}"))

    assert re.search(rf'class="area is-open" id="chunk-{second.pk}"', page)
    assert re.search(rf'id="card-{second.pk}"[^>]*aria-current="true"', page)
    assert "English" in page


def test_switching_a_chunk_off_takes_it_out_of_the_draft(alice: Client, collection: Collection) -> None:
    document = read(collection)
    first = chunk(document)

    page = alice.post(at(document, f"chunks/{first.pk}/switch/"), {"is_on": "0"}, follow=True)

    first.refresh_from_db()
    assert first.state == ChunkState.OFF
    assert "1 off" in page.content.decode()
    assert 'aria-checked="false"' in page.content.decode()


def test_an_edit_shows_on_both_sides_and_keeps_what_was_read(alice: Client, collection: Collection) -> None:
    document = read(collection)
    first = chunk(document)

    answer = alice.post(
        at(document, f"chunks/{first.pk}/edit/"),
        {"text": "Kettles: thirty days."},
        headers={"HX-Request": "true"},
    ).content.decode()

    edited = document.chunks.get(ordinal=0, state=ChunkState.LIVE)
    assert edited.text == "Kettles: thirty days."
    assert f'id="chunk-{edited.pk}"' in answer
    assert f'hx-swap-oob="outerHTML:#chunk-{first.pk}"' in answer
    assert "As it was read" in answer
    assert "within thirty days of delivery" in answer


def test_an_edit_can_be_taken_back_without_scripts(alice: Client, collection: Collection) -> None:
    document = read(collection)
    edited = edit_chunk(chunk(document), "Kettles: thirty days.")

    page = alice.post(at(document, f"chunks/{edited.pk}/edit/"), {"restore": "1"}, follow=True)

    assert "Take the edit back" not in page.content.decode()
    assert document.chunks.get(ordinal=0).text == "A kettle can be returned within thirty days of delivery."


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize(("text", "why"), [(" ", "Write something"), ("x" * 8001, "At most 8000 characters")])
def test_an_edit_that_cannot_stand_says_why_and_keeps_the_words(
    alice: Client, collection: Collection, text: str, why: str, headers: dict[str, str]
) -> None:
    document = read(collection)
    first = chunk(document)

    answer = alice.post(at(document, f"chunks/{first.pk}/edit/"), {"text": text}, headers=headers)

    assert why in answer.content.decode()
    assert "<textarea" in answer.content.decode()
    assert text.strip() in answer.content.decode()
    assert document.chunks.count() == 2


def test_an_edit_while_the_embedding_model_is_away_says_so(
    alice: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = read(collection)
    embedder = type(__import__("inference.conf", fromlist=["get_embedder"]).get_embedder())

    def away(*_: object) -> None:
        raise EngineUnavailable("no model")

    monkeypatch.setattr(embedder, "embed_documents", away)
    answer = alice.post(at(document, f"chunks/{chunk(document).pk}/edit/"), {"text": "Other words."})

    assert "The embedding model is not available right now" in answer.content.decode()
    assert "Other words." in answer.content.decode()


def test_words_are_found_in_chunks(alice: Client, collection: Collection) -> None:
    document = read(collection)

    page = text_of(alice, at(document, "?q=ferry islands"))

    assert "1 chunk has these words." in page
    assert page.count('<article class="chunk') == 1


@pytest.mark.parametrize(
    "door", ["enable/", "again/", "replace/", "chunks/{pk}/switch/", "chunks/{pk}/edit/", "chunks/{pk}/"]
)
def test_a_stranger_changes_nothing(bob: Client, alice: Client, collection: Collection, door: str) -> None:
    document = read(collection)
    address = at(document, door.format(pk=chunk(document).pk))

    answer = bob.get(address) if door == "chunks/{pk}/" else bob.post(address, {"text": "x", "is_on": "0"})

    assert answer.status_code in {403, 404}
    assert chunk(document).state == ChunkState.LIVE
    document.refresh_from_db()
    assert not document.is_disabled


def test_a_chunk_of_another_document_is_not_there(alice: Client, collection: Collection) -> None:
    document, other = read(collection), read(collection, LONGER, "other.md")

    answer = alice.post(at(document, f"chunks/{chunk(other).pk}/switch/"), {"is_on": "0"})

    assert answer.status_code == 404


def test_disabling_and_enabling_a_document(alice: Client, client: Client, collection: Collection) -> None:
    document = read(collection)

    off = alice.post(at(document, "enable/"), {"is_on": "0"}, follow=True).content.decode()

    assert "Disabled" in off
    assert client.get(at(document)).status_code == 404

    alice.post(at(document, "enable/"), {"is_on": "1"})

    assert "thirty days" in text_of(client, at(document))


def test_a_newer_file_is_uploaded_and_a_wrong_one_says_why(alice: Client, collection: Collection) -> None:
    document = read(collection)
    other = read(collection, LONGER, "other.md")

    same = alice.post(at(other, "replace/"), {"file": ContentFile((RETURNS + ROADS).encode(), "same.md")})
    none = alice.post(at(document, "replace/"))
    taken = alice.post(at(document, "replace/"), {"file": ContentFile(b"# Returns\n\nNever.\n", "new.md")})

    assert same.status_code == 400
    assert "Same content as “shop.md”" in same.content.decode()
    assert "Choose a file." in none.content.decode()
    assert taken.status_code == 302
    assert "Version 1 is used until then." in text_of(alice, at(document))


def test_processing_again_queues_a_ready_document(alice: Client, collection: Collection) -> None:
    document = read(collection)

    alice.post(at(document, "again/"))
    twice = alice.post(at(document, "again/"), follow=True)

    document.refresh_from_db()
    assert document.status == DocumentStatus.QUEUED
    assert "is being read right now" in twice.content.decode()


def test_readers_keep_the_version_before_while_a_newer_file_waits(
    client: Client, collection: Collection
) -> None:
    document = read(collection)

    versions.replace_document(document, "newer.md", ContentFile(LONGER.encode()))
    original = client.get(at(document, "original/"))

    assert "thirty days" in text_of(client, at(document))
    assert b"".join(original.streaming_content) == (RETURNS + ROADS).encode()  # type: ignore[attr-defined]
    assert "shop.md" in original["Content-Disposition"]


def test_a_newer_file_that_failed_says_which_version_is_used(
    alice: Client, client: Client, collection: Collection
) -> None:
    document = fail(read(collection))

    page = text_of(alice, at(document))

    assert "Version 2 could not be read." in page
    assert "protected by a password" in page
    assert "Version 1 is still used." in page
    assert "thirty days" in text_of(client, at(document))


def test_stopping_the_reading_of_a_newer_file_tells_the_truth(alice: Client, collection: Collection) -> None:
    document = read(collection)
    fresh = ingest.add_document(collection, "first.md", ContentFile(LONGER.encode()), owner=None)
    versions.replace_document(document, "newer.md", ContentFile(b"# Returns\n\nNever.\n"))

    for one in (document, fresh):
        ingest.cancel_document(one)

    assert "Processing was stopped. Version 1 is still used." in text_of(alice, at(document))
    assert "Processing was stopped. Nothing of this file is used in answers." in text_of(alice, at(fresh))


def test_readers_see_the_release_and_managers_the_draft(
    alice: Client, client: Client, collection: Collection
) -> None:
    document = read(collection)
    publishing.publish(collection, by=None)
    replace(document, LONGER)

    draft = text_of(alice, at(document))

    assert "thirty days" in text_of(client, at(document))
    assert "sixty days" not in text_of(client, at(document))
    assert "sixty days" in draft
    assert "Published in release 1" in draft
    assert "Version 2 in the draft" in draft


def test_a_citation_of_an_older_release_opens_what_it_was_given(
    client: Client, bob: Client, collection: Collection
) -> None:
    document = read(collection)
    publishing.publish(collection, by=None)
    cited = chunk(document)
    replace(document, LONGER)
    publishing.publish(collection, by=None)

    page = text_of(client, at(document, f"?chunk={cited.pk}"))

    assert "This is version 1, from release 1." in page
    assert "There is a newer one." in page
    assert "thirty days" in page
    assert "sixty days" in text_of(client, at(document))
    original = client.get(at(document, "original/?version=1"))
    assert b"thirty" in b"".join(original.streaming_content)  # type: ignore[attr-defined]


def test_a_reader_does_not_see_the_draft_by_its_chunk_or_version(
    client: Client, collection: Collection
) -> None:
    document = read(collection)
    publishing.publish(collection, by=None)
    replace(document, LONGER)
    document.refresh_from_db()

    assert client.get(at(document, f"?chunk={chunk(document).pk}")).status_code == 404
    assert client.get(at(document, "original/?version=2")).status_code == 404
    assert client.get(at(document, "original/?version=9")).status_code == 404


def test_versions_say_where_they_answer_and_what_changed(alice: Client, collection: Collection) -> None:
    document = read(collection)
    publishing.publish(collection, by=None)
    replace(document, LONGER + ROADS)

    page = text_of(alice, at(document, "?tab=versions&from=1&to=2"))

    assert "New version uploaded" in page
    assert "1 added · 1 removed · 1 the same" in page
    assert "within sixty days" in page
    assert "within thirty days" in page
    assert "This is version 1, as release 1 holds it." in text_of(alice, at(document, "?version=1"))


def test_the_log_says_who_did_what_in_the_readers_language(alice: Client, collection: Collection) -> None:
    document = read(collection)
    alice.post(at(document, f"chunks/{chunk(document).pk}/switch/"), {"is_on": "0"})

    english = text_of(alice, at(document, "?tab=log"))
    alice.cookies["django_language"] = "he"
    hebrew = text_of(alice, at(document, "?tab=log"))

    assert "Chunk 1 was switched off." in english
    assert "alice" in english
    assert 'dir="rtl"' in hebrew


def test_hebrew_text_is_shown_in_its_direction_and_named(alice: Client, collection: Collection) -> None:
    document = read(collection, "# החזרות\n\nניתן להחזיר קומקום תוך שלושים יום מיום המסירה.\n", "he.md")

    page = text_of(alice, at(document))

    assert "Hebrew" in page
    assert '<p class="doc" dir="auto">ניתן להחזיר' in page
    with translation.override("he"):
        assert document.language == "he"


def test_a_paged_document_is_shown_page_by_page(alice: Client, collection: Collection) -> None:
    document = read(collection)
    document.chunks.filter(ordinal=0).update(page=4)
    document.chunks.filter(ordinal=1).update(page=7)
    Document.objects.filter(pk=document.pk).update(pages=9)

    first, jumped = text_of(alice, at(document)), text_of(alice, at(document, "?page=6"))

    assert "Page 4 of 9" in first
    assert "ferry" not in first
    assert "Page 7 of 9" in jumped
    assert "ferry" in jumped


def test_an_off_chunk_is_gone_for_readers_and_not_for_managers(
    alice: Client, client: Client, collection: Collection
) -> None:
    document = read(collection)
    off = chunk(document, 1)
    switch_chunk(off, is_on=False)

    assert client.get(at(document, f"?chunk={off.pk}")).status_code == 404
    assert "ferry" not in text_of(client, at(document))
    assert "ferry" in text_of(alice, at(document, f"?chunk={off.pk}"))
