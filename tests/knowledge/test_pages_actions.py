"""Uploads, and what can be done to one document."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.response import HttpResponse
from django.test import Client

from accounts.models import User
from jobs.models import Job
from knowledge import ingest
from knowledge.models import Collection, Document, DocumentStatus
from tests.knowledge.factories import make_collection
from tests.knowledge.people import (
    LIST,
    NOBODYS,
    fail,
    person,
    queue_one,
    signed_in,
    text_of,
    without_what_varies,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


def post_files(
    client: Client, collection: Collection, *files: SimpleUploadedFile, **headers: str
) -> HttpResponse:
    data = {"collection": collection.slug, "files": list(files)}
    return client.post("/knowledge/upload/", data, headers=headers)  # type: ignore[return-value]


def test_upload_without_scripts_adds_all_files(alice: Client, collection: Collection) -> None:
    files = [SimpleUploadedFile(f"{name}.txt", name.encode()) for name in ("one", "two")]

    response = post_files(alice, collection, *files, SimpleUploadedFile("setup.exe", b"MZ"))

    assert response.status_code == 302
    assert sorted(Document.objects.values_list("name", flat=True)) == ["one.txt", "two.txt"]
    assert set(Document.objects.values_list("owner__username", flat=True)) == {"alice"}
    assert Job.objects.count() == 2
    page = text_of(alice, f"{LIST}?collection={collection.slug}")
    assert "2 documents were added" in page
    assert "Not added" in page
    assert "setup.exe" in page


def test_upload_by_script_answers_each_file(alice: Client, collection: Collection) -> None:
    queue_one(collection, "first.txt", "Same words.")

    response = post_files(
        alice, collection, SimpleUploadedFile("again.txt", b"Same words."), accept="application/json"
    )

    (file,) = json.loads(response.content)["files"]
    assert file["name"] == "again.txt"
    assert file["document"] is None
    assert file["error"]["code"] == "duplicate"
    assert "first.txt" in file["error"]["message"]


def test_empty_file_is_refused_with_its_reason(alice: Client, collection: Collection) -> None:
    response = post_files(alice, collection, SimpleUploadedFile("none.txt", b""), accept="application/json")

    assert json.loads(response.content)["files"][0]["error"]["code"] == "empty_file"


def test_upload_into_a_collection_one_does_not_manage_is_refused(
    collection: Collection, private: Collection
) -> None:
    group = Group.objects.create(name="Pump team")
    private.managers.add(group)
    carol = person("carol")
    carol.groups.add(group)

    response = post_files(
        signed_in(carol), collection, SimpleUploadedFile("a.txt", b"A."), accept="application/json"
    )

    assert response.status_code == 400
    assert not Document.objects.exists()


def test_failed_document_is_tried_again(alice: Client, collection: Collection) -> None:
    document = fail(queue_one(collection))
    Job.objects.all().delete()

    response = alice.post(f"/knowledge/documents/{document.pk}/retry/", {"next": f"{LIST}?status=attention"})

    assert response["Location"] == f"{LIST}?status=attention"
    document.refresh_from_db()
    assert document.status == DocumentStatus.QUEUED
    assert Job.objects.count() == 1


def test_waiting_document_is_stopped(alice: Client, collection: Collection) -> None:
    document = queue_one(collection)

    alice.post(f"/knowledge/documents/{document.pk}/stop/")

    document.refresh_from_db()
    assert document.error_code == "cancelled"


def test_delete_names_what_is_lost_and_then_deletes(alice: Client, collection: Collection) -> None:
    document = ingest.ingest_now(queue_one(collection))
    url = f"/knowledge/documents/{document.pk}/delete/"

    page = text_of(alice, url)
    response = alice.post(url, {"next": "https://elsewhere.example/"})

    assert "Delete “notes.txt”?" in page
    assert "1 chunk" in page
    assert response["Location"] == LIST
    assert not Document.objects.exists()


@pytest.mark.parametrize("verb", ["retry", "stop", "delete"])
def test_stranger_finds_no_document_to_change(bob: Client, collection: Collection, verb: str) -> None:
    document = queue_one(collection)
    collection.managers.clear()
    make_collection("mine").managers.add(group := Group.objects.create(name="Some team"))
    User.objects.get(username="bob").groups.add(group)

    response = bob.post(f"/knowledge/documents/{document.pk}/{verb}/")
    missing = bob.post(f"/knowledge/documents/{NOBODYS}/{verb}/")

    assert response.status_code == missing.status_code == 404
    assert without_what_varies(response.content) == without_what_varies(missing.content)
    assert Document.objects.filter(pk=document.pk).exists()


def test_who_is_no_longer_signed_in_comes_back_to_a_page_that_opens(collection: Collection) -> None:
    response = post_files(Client(), collection, SimpleUploadedFile("one.txt", b"one"))

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={LIST}"
