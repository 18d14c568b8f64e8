"""The log of a document: written by the verbs, worded when it is shown."""

import logging
from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, connection, transaction
from django.utils import translation

from jobs import worker
from jobs.models import Job
from knowledge import ingest, log, versions
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.models import Collection, Document, DocumentEvent
from tests.knowledge.people import person

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "# Returns\n\nA kettle can be returned within thirty days.\n"
LONGER = TEXT + "\n# Delivery\n\nParcels to the islands travel by ferry on Tuesdays.\n"


def add(collection: Collection, text: str = TEXT, name: str = "returns.md") -> Document:
    return ingest.add_document(collection, name, ContentFile(text.encode()), owner=None)


def codes(document: Document) -> list[str]:
    return [event.code for event in document.events.all()]


def sentences(document: Document) -> list[str]:
    return [log.sentence(event) for event in document.events.all()]


def test_a_reading_tells_its_stages_in_order(collection: Collection) -> None:
    document = add(collection)

    worker.work("ingestion")

    assert codes(document) == ["uploaded", "began", "parsed", "chunks", "embedded", "published"]
    said = sentences(document)
    assert said[0] == "Uploaded as “returns.md” and queued."
    assert "1 section." in said[2]
    assert said[3] == "1 new chunk."
    assert said[-1] == "Ready as version 1."


def test_a_newer_file_tells_what_was_taken_over_and_which_edits_stayed(collection: Collection) -> None:
    anna = person("anna")
    document = ingest.ingest_now(add(collection, LONGER))
    first, second = document.chunks.order_by("ordinal")
    edit_chunk(first, "A kettle can be returned within a month.", by=anna)
    switch_chunk(second, is_on=False, by=anna)

    versions.replace_document(document, "newer.md", ContentFile((LONGER + "\n# More\n\nNew.\n").encode()))
    ingest.ingest_now(document)

    said = " ".join(sentences(document))
    assert "Chunk 1 was edited." in said
    assert "Chunk 2 was switched off." in said
    assert "A newer file, “newer.md”, was uploaded and queued." in said
    assert "2 changes made by hand were carried over." in said
    assert "1 new chunk. 2 chunks are the same as in version 1." in said
    assert {event.user for event in document.events.filter(code__startswith="chunk_")} == {anna}


def test_a_failure_tells_cause_and_fix_in_the_readers_language(collection: Collection) -> None:
    document = add(collection, "\x00\x01\x02" * 300, "picture.txt")
    worker.work("ingestion")
    failed = document.events.get(code="failed")

    assert failed.level == DocumentEvent.Level.ERROR
    english = log.sentence(failed)
    with translation.override("he"):
        hebrew = log.sentence(failed)

    document.refresh_from_db()
    assert english == document.error_message
    assert hebrew != english


def test_a_document_whose_worker_went_away_says_who_took_it_up(collection: Collection) -> None:
    document = add(collection)
    Job.objects.filter(subject=str(document.pk)).update(attempt=1)

    worker.work("ingestion")

    assert "taken_up" in codes(document)
    assert "(attempt 2)" in " ".join(sentences(document))


def test_stopping_and_trying_again_name_who_did_it(collection: Collection) -> None:
    anna = person("anna")
    document = add(collection)

    ingest.cancel_document(document, by=anna)
    ingest.retry_document(document, by=anna)

    assert codes(document) == ["uploaded", "stop", "stopped", "retried"]
    assert [event.user for event in document.events.filter(code__in=["stop", "retried"])] == [anna, anna]


def test_disabling_is_told_once(collection: Collection) -> None:
    document = add(collection)

    versions.enable_document(document, is_on=False)
    versions.enable_document(document, is_on=False)
    versions.enable_document(document, is_on=True)

    assert codes(document) == ["uploaded", "disabled", "enabled"]


def test_only_the_newest_lines_are_kept(collection: Collection) -> None:
    document = add(collection)

    for number in range(log.KEPT + 5):
        log.record(document, "chunk_on", {"number": number})

    assert document.events.count() == log.KEPT
    newest = document.events.last()
    assert newest is not None
    assert newest.params == {"number": log.KEPT + 4}


def test_a_line_that_cannot_be_written_does_not_stop_the_reading(
    collection: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    document = add(collection)

    def refuse(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "knowledge_documentevent" in sql and sql.startswith("INSERT"):
            raise DatabaseError("locked")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), caplog.at_level(logging.WARNING, "knowledge.log"):
        worker.work("ingestion")

    document.refresh_from_db()
    assert document.status == "ready"
    assert codes(document) == ["uploaded"]
    assert "is not in its log: locked" in caplog.text


def test_a_line_of_a_change_that_was_rolled_back_is_not_written(collection: Collection) -> None:
    document = add(collection)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        log.record(document, "disabled")
        raise ZeroDivisionError

    assert codes(document) == ["uploaded"]


def test_an_unknown_line_shows_its_code() -> None:
    assert log.sentence(DocumentEvent(code="of_the_future")) == "of_the_future"
    assert log.sentence(DocumentEvent(code="chunk_on", params={})) == "chunk_on"
