"""The pages of a collection's sources."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry
from jobs import queue, worker
from jobs.models import Job
from knowledge import ingest
from knowledge.models import Collection, Document, Source, SourceKind
from tests.knowledge.people import person, signed_in, text_of
from tests.knowledge.sources.conftest import follow, look
from tests.knowledge.sources.web import WebSite

pytestmark = pytest.mark.django_db
FORM = {"kind": "site", "depth": "2", "page_limit": "100", "refresh_hours": "24"}


def page_of(collection: Collection, tail: str = "") -> str:
    return f"/knowledge/{collection.slug}/sources/{tail}"


def test_list_without_sources_says_what_they_are_for(alice: Client, collection: Collection) -> None:
    page = text_of(alice, page_of(collection))

    assert "Nothing is followed yet" in page
    assert page_of(collection, "new/") in page


def test_added_site_is_looked_at_at_once_and_its_pages_become_documents(
    alice: Client, web: WebSite, collection: Collection
) -> None:
    web.write("/", "Welcome.", "/pumps")
    web.write("/pumps", "Pumps are cleaned once a year.")

    response = alice.post(page_of(collection, "new/"), {**FORM, "address": f"{web.url}/#top"})
    source = Source.objects.get()
    waiting = text_of(alice, page_of(collection))
    job = queue.claim("background")
    assert job is not None
    worker.run(job)
    page = text_of(alice, page_of(collection))

    assert response.status_code == 302
    assert source.address == f"{web.url}/"
    assert source.created_by is not None
    assert "Waiting" in waiting
    assert "every 1s" in waiting
    assert "In step" in page
    assert "2 new" in page
    assert "every 1s" not in page
    assert Document.objects.filter(source=source, owner=source.created_by).count() == 2
    assert AuditEntry.objects.filter(verb="source.add").exists()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1/", "That address leads into the internal network, which this site does not read."),
        ("http://[64:ff9b::7f00:1]/", "leads into the internal network"),
        ("http://169.254.169.254/latest/", "leads into the internal network"),
        ("http://127.1/", "This is not the address of a web page."),
        ("ftp://example.org/", "This is not the address of a web page."),
        ("http://example.org:6379/", "names an unusual port"),
        ("", "This field is required."),
    ],
)
def test_address_that_is_not_read_is_refused_with_its_reason(
    alice: Client, collection: Collection, address: str, reason: str
) -> None:
    response = alice.post(page_of(collection, "new/"), {**FORM, "address": address})

    assert reason in response.content.decode()
    assert not Source.objects.exists()


def test_folder_is_offered_only_where_the_operator_allows_one(
    alice: Client, collection: Collection, shelf: Path, settings: Settings
) -> None:
    with_folders = text_of(alice, page_of(collection, "new/"))
    outside = alice.post(page_of(collection, "new/"), {**FORM, "kind": "folder", "address": "/etc"})
    alice.post(page_of(collection, "new/"), {**FORM, "kind": "folder", "address": str(shelf)})
    settings.SOURCE_FOLDERS = []
    without = text_of(alice, page_of(collection, "new/"))
    refused = alice.post(page_of(collection, "new/"), {**FORM, "kind": "folder", "address": "/etc"})

    assert 'value="folder"' in with_folders
    assert str(shelf) in with_folders
    assert "not inside one that the operator allows" in outside.content.decode()
    assert Source.objects.get().address == str(shelf)
    assert 'value="folder"' not in without
    assert "Folders on the server are off" in without
    assert refused.status_code == 200


@pytest.mark.parametrize("tail", ["a" * 300, "circle"])
def test_folder_that_cannot_be_is_refused_in_words(
    alice: Client, collection: Collection, shelf: Path, tail: str
) -> None:
    (shelf / "circle").symlink_to(shelf / "circle")

    response = alice.post(
        page_of(collection, "new/"), {**FORM, "kind": "folder", "address": f"{shelf}/{tail}"}
    )

    assert "There is no such folder" in response.content.decode()


def test_button_on_a_page_that_never_was_leads_to_the_list(
    alice: Client, collection: Collection, shelf: Path
) -> None:
    source = follow(collection, str(shelf), SourceKind.FOLDER)

    response = alice.post(page_of(collection, f"{source.pk}/pause/"), {"on": "9" * 5000})

    assert response.headers["Location"] == page_of(collection)


def test_address_is_followed_once_in_a_collection(
    alice: Client, web: WebSite, collection: Collection
) -> None:
    follow(collection, f"{web.url}/")

    response = alice.post(page_of(collection, "new/"), {**FORM, "address": web.url})

    assert "follows that address already" in response.content.decode()
    assert Source.objects.count() == 1


def test_each_address_says_what_became_of_it(alice: Client, web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/film", "/lamps")
    web.write("/lamps", "Lamps.")
    web.say("/film", b"...", "video/mp4")
    source = follow(collection, web.url)
    look(source)
    web.fail("/lamps", 404)
    look(source)

    everything = text_of(alice, page_of(collection, f"{source.pk}/"))
    left_out = text_of(alice, page_of(collection, f"{source.pk}/?state=left_out"))

    assert f"{web.url}/lamps" in everything
    assert "Its document was deleted" in everything
    assert "Contents of this type are not read." in left_out
    assert f"{web.url}/lamps" not in left_out


def test_look_now_stop_and_pause_do_what_they_say(alice: Client, shelf: Path, collection: Collection) -> None:
    source = follow(collection, str(shelf), SourceKind.FOLDER)

    alice.post(page_of(collection, f"{source.pk}/look/"))
    assert Job.objects.get().state == "queued"
    alice.post(page_of(collection, f"{source.pk}/stop/"))
    assert Job.objects.get().state == "cancelled"
    alice.post(page_of(collection, f"{source.pk}/pause/"), {"active": "0"})
    source.refresh_from_db()
    assert not source.is_active
    assert source.next_run_at is None
    alice.post(page_of(collection, f"{source.pk}/pause/"), {"active": "1"})
    source.refresh_from_db()
    assert source.next_run_at is not None


def test_edited_source_keeps_its_address(alice: Client, web: WebSite, collection: Collection) -> None:
    source = follow(collection, f"{web.url}/")

    page = text_of(alice, page_of(collection, f"{source.pk}/edit/"))
    alice.post(
        page_of(collection, f"{source.pk}/edit/"),
        {"address": "http://other.example/", "depth": "1", "page_limit": "7", "refresh_hours": "168"},
    )
    source.refresh_from_db()

    assert 'name="address"' not in page
    assert (source.address, source.depth, source.page_limit, source.refresh_hours) == (
        f"{web.url}/",
        1,
        7,
        168,
    )


@pytest.mark.parametrize(("documents", "left"), [("keep", 1), ("delete", 0)])
def test_deleting_a_source_asks_what_becomes_of_its_documents(
    alice: Client, shelf: Path, collection: Collection, documents: str, left: int
) -> None:
    (shelf / "lamps.txt").write_text("Lamps need a G9 bulb.")
    source = follow(collection, str(shelf), SourceKind.FOLDER)
    look(source)

    question = text_of(alice, page_of(collection, f"{source.pk}/delete/"))
    alice.post(page_of(collection, f"{source.pk}/delete/"), {"documents": documents})

    assert "Its 1 document" in question
    assert not Source.objects.exists()
    assert Document.objects.count() == left


def test_poll_is_answered_only_when_something_changed(
    alice: Client, shelf: Path, collection: Collection
) -> None:
    source = follow(collection, str(shelf), SourceKind.FOLDER)
    alice.post(page_of(collection, f"{source.pk}/look/"))
    page = text_of(alice, page_of(collection))
    poll = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")

    assert alice.get(poll).status_code == 204
    job = queue.claim("background")
    assert job is not None
    assert "Looking" in text_of(alice, poll)


def test_sources_of_others_are_not_found(bob: Client, shelf: Path, collection: Collection) -> None:
    source = follow(collection, str(shelf), SourceKind.FOLDER)
    group = Group.objects.create(name="Elsewhere")
    carol = person("carol")
    carol.groups.add(group)
    other = Collection.objects.create(slug="other", name="Other")
    other.managers.add(group)
    client = signed_in(carol)

    for tail in ("", "new/", "rows/", f"{source.pk}/", f"{source.pk}/edit/", f"{source.pk}/delete/"):
        assert client.get(page_of(collection, tail)).status_code == 404
        assert bob.get(page_of(collection, tail)).status_code == 403
    for verb in ("look", "stop", "pause", "delete"):
        assert client.post(page_of(collection, f"{source.pk}/{verb}/")).status_code == 404
        assert client.post(page_of(other, f"{source.pk}/{verb}/")).status_code == 404
    assert Client().get(page_of(collection)).status_code == 302
    assert Source.objects.exists()


def test_list_asks_the_database_as_often_for_many_sources(
    alice: Client, shelf: Path, collection: Collection, django_assert_max_num_queries: object
) -> None:
    for number in range(12):
        follow(collection, f"{shelf}/{number}", SourceKind.FOLDER)

    with django_assert_max_num_queries(14):  # type: ignore[operator]
        text_of(alice, page_of(collection))


def test_document_leads_to_the_page_it_was_taken_from(
    alice: Client, bob: Client, web: WebSite, collection: Collection
) -> None:
    web.write("/pumps", "Pumps are cleaned once a year.")
    look(follow(collection, f"{web.url}/pumps", SourceKind.PAGE))
    document = ingest.ingest_now(Document.objects.get())

    for client in (alice, bob):
        page = text_of(client, f"/knowledge/documents/{document.pk}/")
        assert f'href="{web.url}/pumps"' in page
        assert "noopener" in page


def test_list_of_documents_leads_to_the_sources(alice: Client, collection: Collection) -> None:
    assert page_of(collection) in text_of(alice, f"/knowledge/?collection={collection.slug}")


def test_collection_is_deleted_with_its_sources(alice: Client, shelf: Path, collection: Collection) -> None:
    (shelf / "lamps.txt").write_text("Lamps need a G9 bulb.")
    look(follow(collection, str(shelf), SourceKind.FOLDER))

    alice.post(f"/knowledge/collections/{collection.slug}/delete/")

    assert not Collection.objects.exists()
    assert not Source.objects.exists()
    assert not Document.objects.exists()
