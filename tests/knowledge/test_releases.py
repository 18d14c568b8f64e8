"""Versions, edits and releases of a collection, through the verbs that the pages call."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile

from inference.embedders.base import Embedder, Vectors
from knowledge import index, ingest, versions
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.errors import Duplicate, NotEditable, NothingToPublish, StillReading
from knowledge.models import (
    Chunk,
    ChunkState,
    Collection,
    Document,
    DocumentStatus,
    DocumentVersion,
    Visibility,
)
from knowledge.reconcile import compare
from knowledge.releases import publishing
from knowledge.retrieval import search
from knowledge.retrieval_types import Passage
from knowledge.scope import DRAFT, of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
GUEST = AnonymousUser()
RETURNS = "# Returns\n\nA kettle can be returned within thirty days of delivery.\n"
LONGER = "# Returns\n\nA kettle can be returned within sixty days of delivery.\n"
ROADS = "\n# Delivery\n\nParcels to the islands travel by ferry on Tuesdays.\n"
QUESTION = "How long can a kettle be returned?"


def collection_of(*texts: str) -> Collection:
    collection = Collection.objects.create(slug="shop", name="Shop", visibility=Visibility.EVERYONE)
    for number, text in enumerate(texts):
        add(collection, f"file{number}.md", text)
    return collection


def add(collection: Collection, name: str, text: str) -> Document:
    document = ingest.add_document(collection, name, ContentFile(text.encode()), owner=None, queue=False)
    return ingest.ingest_now(document)


def replace(document: Document, text: str, name: str = "newer.md") -> Document:
    versions.replace_document(document, name, ContentFile(text.encode()), queue=False)
    return ingest.ingest_now(document)


def found(question: str = QUESTION, **more: object) -> list[Passage]:
    return list(search(question, user=GUEST, **more).passages)  # type: ignore[arg-type]


def test_a_newer_file_answers_in_place_of_the_one_before() -> None:
    document = collection_of(RETURNS).documents.get()

    replace(document, LONGER)

    assert "sixty" in found()[0].text
    assert len(found()) == 1
    assert compare(file_settles_s=0) == []
    assert [row.number for row in document.versions.all()] == [2]


def test_what_stays_the_same_in_a_newer_file_is_not_embedded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from knowledge import embedding

    document = collection_of(RETURNS + ROADS).documents.get()
    embedded: list[str] = []
    really = embedding.embed

    def counting(embedder: Embedder, title: str, chunks: list[Chunk]) -> Vectors:
        embedded.extend(chunk.text for chunk in chunks)
        return really(embedder, title, chunks)

    monkeypatch.setattr(embedding, "embed", counting)
    replace(document, LONGER + ROADS, "file0.md")

    assert [text for text in embedded if "ferry" in text] == []
    assert len(embedded) == 1
    assert compare(file_settles_s=0) == []


def test_the_same_file_again_is_a_duplicate_that_names_its_document() -> None:
    document = collection_of(RETURNS).documents.get()

    with pytest.raises(Duplicate, match=str(document.pk)):
        versions.replace_document(document, "again.md", ContentFile(RETURNS.encode()), queue=False)

    assert compare(file_settles_s=0) == []


def test_a_newer_file_waits_until_the_one_before_is_read() -> None:
    document = collection_of(RETURNS).documents.get()
    Document.objects.filter(pk=document.pk).update(status=DocumentStatus.PARSING)

    with pytest.raises(StillReading):
        versions.replace_document(document, "n.md", ContentFile(LONGER.encode()), queue=False)


def test_a_newer_file_that_fails_leaves_the_one_before_answering() -> None:
    document = collection_of(RETURNS).documents.get()

    versions.replace_document(document, "broken.pdf", ContentFile(b"%PDF-1.4 nothing"), queue=False)
    ingest.ingest_now(document)

    assert document.status == DocumentStatus.FAILED
    assert "thirty" in found()[0].text
    assert compare(file_settles_s=0) == []


def test_visitors_keep_the_release_while_the_draft_changes() -> None:
    collection = collection_of(RETURNS)
    document = collection.documents.get()
    release = publishing.publish(collection, by=None)

    replace(document, LONGER)

    assert [(passage.release, "thirty" in passage.text) for passage in found()] == [(1, True)]
    assert [(passage.release, "sixty" in passage.text) for passage in found(scope=DRAFT)] == [(None, True)]
    assert found(scope=of(release))[0].document_name == "file0.md"
    assert compare(file_settles_s=0) == []


def test_rolling_back_brings_the_earlier_release_back_at_once() -> None:
    collection = collection_of(RETURNS)
    first = publishing.publish(collection, by=None)
    replace(collection.documents.get(), LONGER)
    publishing.publish(collection, by=None)
    assert "sixty" in found()[0].text

    publishing.roll_back(collection, first)

    assert "thirty" in found()[0].text
    assert "sixty" in found(scope=DRAFT)[0].text


def test_a_document_added_or_switched_off_changes_only_the_draft() -> None:
    collection = collection_of(RETURNS)
    publishing.publish(collection, by=None)

    add(collection, "roads.md", ROADS)
    versions.enable_document(collection.documents.get(name="file0.md"), is_on=False)

    assert "thirty" in found()[0].text
    assert found("When do parcels travel to the islands?")[0].document_name == "file0.md"
    assert [passage.document_name for passage in found(scope=DRAFT)] == ["roads.md"]


def test_a_deleted_document_leaves_releases_too_and_at_once() -> None:
    collection = collection_of(RETURNS, ROADS)
    release = publishing.publish(collection, by=None)

    ingest.delete_document(collection.documents.get(name="file0.md"))

    assert [passage.document_name for passage in found()] == ["file1.md"]
    assert found(scope=of(release))[0].document_name == "file1.md"
    assert compare(file_settles_s=0) == []


def test_an_empty_draft_cannot_be_published() -> None:
    collection = collection_of(RETURNS)
    versions.enable_document(collection.documents.get(), is_on=False)

    with pytest.raises(NothingToPublish):
        publishing.publish(collection, by=None)

    assert collection.releases.count() == 0


def test_releases_beyond_those_kept_go_with_what_only_they_held() -> None:
    collection = collection_of(RETURNS)
    document = collection.documents.get()
    for number in range(publishing.KEPT + 2):
        replace(document, f"# Returns\n\nA kettle can be returned within {number} days.\n")
        publishing.publish(collection, by=None)

    assert [release.number for release in collection.releases.all()] == list(range(12, 2, -1))
    assert DocumentVersion.objects.count() == publishing.KEPT
    assert len(index.list_keys(collection)) == publishing.KEPT
    assert compare(file_settles_s=0) == []


def test_a_question_is_answered_from_a_release_behind_many_others() -> None:
    collection = collection_of("\n".join(f"# Rule {n}\n\nKettle rule {n} of thirty.\n" for n in range(60)))
    publishing.publish(collection, by=None)
    more = "\n".join(f"# Rule {n}\n\nA kettle can be returned, a kettle it is, {n}.\n" for n in range(60))
    replace(collection.documents.get(), more)

    assert len(found()) == 5
    assert all("of thirty" in passage.text for passage in found())


def test_a_chunk_switched_off_is_not_found_and_stays_off_in_a_newer_file() -> None:
    collection = collection_of(RETURNS + ROADS)
    document = collection.documents.get()
    publishing.publish(collection, by=None)

    switch_chunk(document.chunks.get(text__contains="thirty"), is_on=False)

    assert "thirty" in found()[0].text
    assert not any("thirty" in passage.text for passage in found(scope=DRAFT))
    replace(document, RETURNS + ROADS + "\n# More\n\nLamps are red.\n")
    assert not any("thirty" in passage.text for passage in found(scope=DRAFT))
    assert compare(file_settles_s=0) == []


def test_an_edited_chunk_is_found_by_its_new_words_and_carried_over() -> None:
    document = collection_of(RETURNS + ROADS).documents.get()

    edited = edit_chunk(document.chunks.get(text__contains="thirty"), "A kettle goes back in ninety days.")

    assert found()[0].chunk_id == edited.pk
    replace(document, RETURNS + "\n# Lamps\n\nLamps are red.\n")
    assert found()[0].text == "A kettle goes back in ninety days."
    assert not any("thirty" in passage.text for passage in found())
    assert compare(file_settles_s=0) == []


def test_an_edit_is_taken_back_by_the_text_as_read() -> None:
    document = collection_of(RETURNS).documents.get()
    chunk = document.chunks.get()
    text = chunk.text
    edited = edit_chunk(chunk, "Ninety days.")
    edited = edit_chunk(edited, "Ninety-one days.")

    restored = edit_chunk(edited, text)

    assert (restored.edition, restored.state) == (0, ChunkState.LIVE)
    assert [passage.text for passage in found()] == [text]
    assert document.chunks.count() == 1
    assert compare(file_settles_s=0) == []


def test_a_chunk_of_an_older_version_is_not_edited() -> None:
    collection = collection_of(RETURNS)
    document = collection.documents.get()
    chunk = document.chunks.get()
    publishing.publish(collection, by=None)
    replace(document, LONGER)

    with pytest.raises(NotEditable):
        edit_chunk(chunk, "Something else.")
    with pytest.raises(NotEditable):
        switch_chunk(chunk, is_on=False)
