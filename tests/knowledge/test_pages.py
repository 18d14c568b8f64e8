"""The administrator's pages, and the page a citation leads to, through HTTP."""

import re

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, give_role
from jobs.models import Job
from knowledge import ingest
from knowledge.listing import stamp
from knowledge.models import Collection, Document, DocumentStatus, Visibility
from tests.knowledge.factories import make_collection, make_document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]

LIST = "/knowledge/"


def person(name: str, role: str = "") -> User:
    user = User.objects.create_user(name, password="x", email=f"{name}@example.org")
    if role:
        give_role(user, role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(db: None) -> Client:
    """A knowledge administrator."""
    return signed_in(person("alice", KNOWLEDGE_ADMINISTRATORS))


@pytest.fixture
def bob(db: None) -> Client:
    """Somebody who is signed in and manages nothing."""
    return signed_in(person("bob"))


@pytest.fixture
def private(own_stores: object, db: None) -> Collection:
    """A collection nobody but administrators may read."""
    return make_collection("private", Visibility.GROUPS)


def text_of(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.status_code
    return response.content.decode()


def queue_one(collection: Collection, name: str = "notes.txt", text: str = "Some words.") -> Document:
    return ingest.add_document(collection, name, ContentFile(text.encode()), owner=None)


def fail(document: Document, code: str = "encrypted") -> Document:
    document.status, document.error_code = DocumentStatus.FAILED, code
    document.error_message = "This file is protected by a password."
    document.save()
    return document


# --- the list ---------------------------------------------------------------------------


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

    with django_assert_max_num_queries(12):
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


# --- upload -------------------------------------------------------------------------------


def post_files(client: Client, collection: Collection, *files: SimpleUploadedFile, **headers: str) -> object:
    data = {"collection": collection.slug, "files": list(files)}
    return client.post("/knowledge/upload/", data, headers=headers)


def test_upload_without_scripts_adds_all_files(alice: Client, collection: Collection) -> None:
    files = [SimpleUploadedFile(f"{name}.txt", name.encode()) for name in ("one", "two")]

    response = post_files(alice, collection, *files, SimpleUploadedFile("setup.exe", b"MZ"))

    assert response.status_code == 302  # type: ignore[attr-defined]
    assert sorted(Document.objects.values_list("name", flat=True)) == ["one.txt", "two.txt"]
    assert set(Document.objects.values_list("owner__username", flat=True)) == {"alice"}
    assert Job.objects.count() == 2
    page = text_of(alice, f"{LIST}?collection={collection.slug}")
    assert "2 documents were added" in page
    assert "“setup.exe” was not added." in page


def test_upload_by_script_answers_each_file(alice: Client, collection: Collection) -> None:
    queue_one(collection, "first.txt", "Same words.")

    response = post_files(
        alice, collection, SimpleUploadedFile("again.txt", b"Same words."), accept="application/json"
    )

    (file,) = response.json()["files"]  # type: ignore[attr-defined]
    assert file["name"] == "again.txt"
    assert file["document"] is None
    assert file["error"]["code"] == "duplicate"
    assert "first.txt" in file["error"]["message"]


def test_empty_file_is_refused_with_its_reason(alice: Client, collection: Collection) -> None:
    response = post_files(alice, collection, SimpleUploadedFile("none.txt", b""), accept="application/json")

    assert response.json()["files"][0]["error"]["code"] == "empty_file"  # type: ignore[attr-defined]


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

    assert response.status_code == 400  # type: ignore[attr-defined]
    assert not Document.objects.exists()


# --- what can be done to one -----------------------------------------------------------------


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
    missing = bob.post(f"/knowledge/documents/00000000-0000-4000-8000-000000000000/{verb}/")

    assert response.status_code == missing.status_code == 404
    assert without_what_varies(response.content) == without_what_varies(missing.content)
    assert Document.objects.filter(pk=document.pk).exists()


# --- the page a citation leads to --------------------------------------------------------------


def without_what_varies(content: bytes) -> str:
    """The page without ids and tokens."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9]{64}", "", content.decode())


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
    missing = bob.get("/knowledge/documents/00000000-0000-4000-8000-000000000000/")

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


# --- collections ----------------------------------------------------------------------------------


def test_administrator_makes_a_collection(alice: Client) -> None:
    group = Group.objects.create(name="Readers")

    response = alice.post(
        "/knowledge/collections/new/",
        {"name": "Heat pumps", "description": "All of them", "visibility": "groups", "readers": [group.pk]},
    )

    assert response["Location"] == f"{LIST}?collection=heat-pumps"
    collection = Collection.objects.get()
    assert collection.visibility == Visibility.GROUPS
    assert list(collection.readers.all()) == [group]


def test_collection_for_groups_needs_a_group(alice: Client) -> None:
    response = alice.post("/knowledge/collections/new/", {"name": "Heat pumps", "visibility": "groups"})

    assert response.status_code == 200
    assert "Choose at least one group" in response.content.decode()
    assert not Collection.objects.exists()


def test_manager_changes_readers_but_not_managers(private: Collection) -> None:
    group = Group.objects.create(name="Pump team")
    private.managers.add(group)
    carol = person("carol")
    carol.groups.add(group)

    signed_in(carol).post(
        f"/knowledge/collections/{private.slug}/edit/",
        {"name": "Renamed", "visibility": "signed_in", "managers": []},
    )

    private.refresh_from_db()
    assert private.name == "Renamed"
    assert list(private.managers.all()) == [group]
    assert signed_in(carol).post(f"/knowledge/collections/{private.slug}/delete/").status_code == 403


def test_collection_is_deleted_with_its_documents(alice: Client, collection: Collection) -> None:
    ingest.ingest_now(queue_one(collection))
    url = f"/knowledge/collections/{collection.slug}/delete/"

    page = text_of(alice, url)
    alice.post(url)

    assert "Its 1 document" in page
    assert not Collection.objects.exists()


def test_stranger_may_neither_make_nor_change_collections(bob: Client, collection: Collection) -> None:
    assert bob.get("/knowledge/collections/new/").status_code == 403
    assert bob.get(f"/knowledge/collections/{collection.slug}/edit/").status_code == 403
