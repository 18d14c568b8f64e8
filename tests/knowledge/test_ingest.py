"""The verbs of a document's life, through real extractors, database, word index and Chroma."""

from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from jobs import worker
from jobs.models import Job, JobState
from knowledge import index, ingest, lexical, reconcile
from knowledge.errors import Duplicate, IndexUnavailable, StorageFull
from knowledge.extract.errors import EmptyFile, TooLarge, UnsupportedType
from knowledge.models import Chunk, Collection, Document, DocumentStatus
from knowledge.retrieval import search

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "# Warranty\n\nThe pump is covered for five years.\n\n# Returns\n\nSend it back within 30 days.\n"


def upload(collection: Collection, text: str = TEXT, name: str = "warranty.md") -> Document:
    return ingest.add_document(collection, name, ContentFile(text.encode()), owner=None)


def work() -> None:
    """Run what waits, as a worker would."""
    worker.work("ingestion")


def differences() -> list[reconcile.Difference]:
    return reconcile.compare(file_settles_s=0)


def test_added_document_waits_with_a_job(collection: Collection) -> None:
    document = upload(collection)

    job = Job.objects.get(kind="document", subject=str(document.pk))
    assert document.status == DocumentStatus.QUEUED
    assert job.state == JobState.QUEUED
    assert "warranty" not in (document.file.name or "")


def test_document_is_in_every_store_when_ready(collection: Collection) -> None:
    document = upload(collection)

    work()

    document.refresh_from_db()
    chunks = list(document.chunks.all())
    assert (document.status, document.version, document.chunk_count) == ("ready", 1, 2)
    assert document.title == "Warranty"
    assert index.list_keys(collection) == {chunk.key for chunk in chunks}
    assert lexical.list_ids(collection.pk) == {chunk.pk for chunk in chunks}
    assert Job.objects.get().state == JobState.DONE
    assert differences() == []


def test_file_that_cannot_be_read_fails_with_a_reason_and_leaves_nothing(collection: Collection) -> None:
    document = upload(collection, text="%PDF-1.4 nothing more", name="broken.pdf")

    work()

    document.refresh_from_db()
    assert document.status == DocumentStatus.FAILED
    assert document.error_code == "corrupt"
    assert "damaged" in document.error_message
    assert Job.objects.get().state == JobState.FAILED
    assert not Chunk.objects.exists()
    assert differences() == []


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("setup.exe", b"MZ", UnsupportedType),
        ("empty.txt", b"", EmptyFile),
        ("big.txt", b"x" * 2**20 * 2, TooLarge),
    ],
)
def test_file_is_refused_before_anything_is_kept(
    collection: Collection, name: str, content: bytes, error: type[Exception], settings: Settings
) -> None:
    settings.MAX_UPLOAD_MB = 1

    with pytest.raises(error):
        ingest.add_document(collection, name, ContentFile(content), owner=None)

    assert not Document.objects.exists()
    assert not Job.objects.exists()
    assert differences() == []


def test_nothing_is_added_when_the_disk_is_nearly_full(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "KEEP_FREE_BYTES", 2**60)

    with pytest.raises(StorageFull):
        upload(collection)

    assert not Document.objects.exists()


def test_duplicate_names_the_other_file(collection: Collection) -> None:
    upload(collection, name="first.md")

    with pytest.raises(Duplicate) as caught:
        upload(collection, name="second.md")

    assert "first.md" in caught.value.user_message
    assert Document.objects.count() == 1
    assert differences() == []


def test_same_file_may_be_in_another_collection(collection: Collection) -> None:
    upload(collection)

    upload(ingest.create_collection("Another"))

    assert Document.objects.count() == 2


def test_ready_document_read_again_replaces_its_version(collection: Collection) -> None:
    document = ingest.ingest_now(upload(collection))
    before = set(document.chunks.values_list("key", flat=True))

    ingest.read_again(document)

    document.refresh_from_db()
    after = set(document.chunks.values_list("key", flat=True))
    assert document.version == 2
    assert not before & after
    assert index.list_keys(collection) == after
    Job.objects.all().delete()
    assert differences() == []


def test_deleted_document_leaves_nothing(collection: Collection) -> None:
    document = upload(collection)
    work()
    document.refresh_from_db()
    path = document.file.path

    ingest.delete_document(document)

    assert not Document.objects.exists()
    assert not Chunk.objects.exists()
    assert index.list_keys(collection) == set()
    assert lexical.list_ids(collection.pk) == set()
    assert not Path(path).exists()
    assert differences() == []


def test_deleted_collection_leaves_nothing(collection: Collection) -> None:
    upload(collection)
    upload(collection, text="Another text about pumps.", name="pumps.txt")
    work()

    ingest.delete_collection(collection)

    assert not Collection.objects.exists()
    assert not Document.objects.exists()
    assert index.list_names() == set()
    assert differences() == []


def test_waiting_document_stops_at_once(collection: Collection) -> None:
    document = upload(collection)

    ingest.cancel_document(document)
    work()

    document.refresh_from_db()
    assert (document.status, document.error_code) == ("failed", "cancelled")
    assert Job.objects.get().state == JobState.CANCELLED


def test_stopped_document_can_be_tried_again(collection: Collection) -> None:
    document = upload(collection)
    ingest.cancel_document(document)
    document.refresh_from_db()

    assert ingest.retry_document(document)
    work()

    document.refresh_from_db()
    assert (document.status, document.error_message) == ("ready", "")
    assert differences() == []


def test_document_deleted_while_waiting_is_not_read(collection: Collection) -> None:
    document = upload(collection)

    ingest.delete_document(document)
    work()

    assert Job.objects.get().state == JobState.CANCELLED
    assert differences() == []


def test_delete_cut_off_by_the_store_can_be_finished(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = ingest.ingest_now(upload(collection))

    def refuse(*args: object) -> None:
        raise IndexUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(index, "delete", refuse)
        with pytest.raises(IndexUnavailable):
            ingest.delete_document(document)

    document.refresh_from_db()
    assert document.status == DocumentStatus.DELETING
    ingest.delete_document(document)
    assert not Document.objects.exists()
    assert differences() == []


def test_failed_job_marks_its_document(collection: Collection) -> None:
    document = upload(collection)
    job = Job.objects.get()

    ingest.fail_document(job)

    document.refresh_from_db()
    assert (document.status, document.error_code) == ("failed", "worker_lost")


def test_names_lose_paths_and_direction_marks(collection: Collection) -> None:
    document = upload(collection, name="../../etc/\u202efdp.wen\x00.md")

    assert document.name == "fdp.wen.md"


def test_collections_of_the_same_name_get_their_own_slugs() -> None:
    slugs = [ingest.create_collection(name).slug for name in ("Heat pumps", "Heat pumps", "מדריך")]

    assert slugs == ["heat-pumps", "heat-pumps-2", "collection"]


def test_text_that_repeats_itself_is_indexed_once_and_hides_nothing(collection: Collection) -> None:
    upload(collection)
    endless = upload(collection, text="lorem ipsum dolor sit amet " * 20_000, name="endless.txt")

    work()

    endless.refresh_from_db()
    assert endless.status == DocumentStatus.READY
    assert endless.chunk_count < 10
    found = search("How long is the pump covered?", user=AnonymousUser())
    assert found.is_answerable
    assert "five years" in found.passages[0].text
    assert differences() == []


@pytest.mark.django_db
def test_a_collection_never_takes_the_address_of_another_page() -> None:
    assert ingest.create_collection("Documents").slug == "documents-2"
