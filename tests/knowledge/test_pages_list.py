"""The administrator's list: filters, order, words of the text, paging, live progress, what it says above."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from jobs import queue as job_queue
from jobs.models import Job
from knowledge.models import Collection, Document
from knowledge.releases import publishing
from knowledge.views.list_head import foreign_language
from tests.knowledge.factories import make_collection, make_document
from tests.knowledge.people import (
    LIST,
    NOBODYS,
    fail,
    person,
    queue_one,
    signed_in,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]


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

    with django_assert_max_num_queries(22):
        alice.get(LIST)


def test_list_asks_the_same_number_of_questions_for_two_thousand_documents_as_for_three(
    alice: Client, collection: Collection
) -> None:
    many = make_collection("many")
    rows = [
        Document(collection=many, name=f"{number:04}.txt", sha256=f"{number:064}", status="ready", version=1)
        for number in range(2000)
    ]
    Document.objects.bulk_create(rows, batch_size=500)
    for name in ("a", "b", "c"):
        make_document(collection, "Words.", title=name)

    asked = []
    for place in (collection, many):
        with CaptureQueriesContext(connection) as queries:
            page = text_of(alice, f"{LIST}?collection={place.slug}&sort=name&status=published")
        asked.append(len(queries))

    assert asked[0] == asked[1]
    assert "1 to 25 of 2000" in page


def test_filters_count_what_is_published_in_progress_in_need_of_a_look_and_off(
    alice: Client, collection: Collection
) -> None:
    make_document(collection, "Words.", title="Published")
    off = make_document(collection, "Words.", title="Off")
    publishing.publish(collection, by=None)
    make_document(collection, "Words.", title="New")
    part = make_document(collection, "Words.", title="Part")
    Document.objects.filter(pk=part.pk).update(is_partial=True, warnings=["pages_unreadable:2"])
    Document.objects.filter(pk=off.pk).update(is_disabled=True)
    queue_one(collection, "waiting.txt")
    fail(queue_one(collection, "locked.pdf", "%PDF"))

    page = text_of(alice, f"{LIST}?collection={collection.slug}")

    for label, count in (
        ("All", 6),
        ("Published", 2),
        ("In progress", 1),
        ("Needs attention", 2),
        ("Disabled", 1),
    ):
        assert f'{label} <span class="count">{count}</span>' in page
    assert "Still in the published release" in page
    assert "2 pages could not be read." in page
    published = text_of(alice, f"{LIST}?status=published")
    assert "New" not in published.partition("<tbody")[2].partition("</table>")[0].replace("New c", "")
    assert "Off.md" in published


def test_without_releases_what_is_ready_is_counted_as_ready(alice: Client, collection: Collection) -> None:
    make_document(collection, "Words.", title="One")

    assert 'Ready <span class="count">1</span>' in text_of(alice, LIST)


def names(page: str) -> list[str]:
    return re.findall(r'class="doc-name"[^>]*><bdi>([^<]*)', page)


def test_list_is_sorted_by_its_columns_and_back(alice: Client, collection: Collection) -> None:
    for name, size in (("b", 2), ("A", 3), ("c", 1)):
        document = make_document(collection, "Words.", title=name)
        Document.objects.filter(pk=document.pk).update(size_bytes=size)
    fail(queue_one(collection, "d.md"))

    assert names(text_of(alice, f"{LIST}?sort=name")) == ["A.md", "b.md", "c.md", "d.md"]
    assert names(text_of(alice, f"{LIST}?sort=-name")) == ["d.md", "c.md", "b.md", "A.md"]
    assert names(text_of(alice, f"{LIST}?sort=-size&q=.md"))[:3] == ["c.md", "b.md", "A.md"]
    assert names(text_of(alice, f"{LIST}?sort=status"))[0] == "d.md"
    assert len(names(text_of(alice, f"{LIST}?sort=password"))) == 4
    page = text_of(alice, f"{LIST}?sort=name")
    assert 'aria-sort="ascending"' in page
    assert "sort=-name" in page


def test_documents_are_found_by_words_of_their_text_in_any_script(
    alice: Client, collection: Collection
) -> None:
    make_document(collection, "The boiler pressure is two bar.", title="Pressure")
    make_document(collection, "The kettle is made of steel.", title="Kettle")
    hebrew = make_document(collection, "האחריות על המכונה היא שנתיים.", title="מסמך")
    off = make_document(collection, "The boiler is off.", title="Gone")
    Document.objects.filter(pk=off.pk).update(is_disabled=True)

    assert names(text_of(alice, f"{LIST}?q=boiler")) == ["Pressure.md"]
    assert names(text_of(alice, f"{LIST}?q=boiler steel")) == []
    assert names(text_of(alice, f"{LIST}?q=אחריות")) == [hebrew.name]


def test_text_of_collections_one_does_not_manage_is_not_found(
    collection: Collection, private: Collection
) -> None:
    make_document(collection, "The boiler pressure is two bar.", title="Theirs")
    group = Group.objects.create(name="Team")
    private.managers.add(group)
    carol = person("carol")
    carol.groups.add(group)

    assert names(text_of(signed_in(carol), f"{LIST}?q=boiler")) == []


def test_a_refused_upload_stays_in_sight_after_a_reload(alice: Client, collection: Collection) -> None:
    for name, is_first in (("setup.exe", "1"), ("virus.exe", "")):
        data = {"collection": collection.slug, "files": SimpleUploadedFile(name, b"MZ"), "is_first": is_first}
        alice.post("/knowledge/upload/", data, headers={"accept": "application/json"})

    for _reload in range(2):
        panel = text_of(alice, LIST).partition('id="refused"')[2]
        assert "setup.exe" in panel
        assert "virus.exe" in panel
    alice.post(
        "/knowledge/upload/",
        {"collection": collection.slug, "files": SimpleUploadedFile("good.txt", b"Good."), "is_first": "1"},
        headers={"accept": "application/json"},
    )
    assert 'id="refused"' not in text_of(alice, LIST)


def test_work_on_an_index_and_what_the_model_cannot_are_said(alice: Client, collection: Collection) -> None:
    make_document(collection, "Words.")
    Document.objects.update(language="he")
    job = job_queue.enqueue("reindex", str(collection.pk))
    Job.objects.filter(pk=job.pk).update(progress_done=1200, progress_total=3000)
    url = f"{LIST}?collection={collection.slug}"

    page = text_of(alice, url)

    assert "Search is being prepared for another embedding model." in page
    assert "1200 of 3000 passages" in page
    assert "The embedding model knows little Hebrew" in page


def test_a_multilingual_model_has_no_such_limits(
    alice: Client, collection: Collection, settings: Settings
) -> None:
    make_document(collection, "Words.")
    Document.objects.update(language="he")
    settings.EMBEDDING_MODEL = "some/multilingual-model"

    assert foreign_language(collection) == ""


def test_waiting_documents_tell_when_they_are_probably_read(alice: Client, collection: Collection) -> None:
    for number in range(3):
        queue_one(collection, f"{number}.txt", f"Words {number}.")
    now = timezone.now()
    taken = {"state": "done", "started_at": now - timedelta(minutes=3), "finished_at": now}
    Job.objects.create(kind="document", queue="ingestion", subject=NOBODYS, **taken)

    page = text_of(alice, LIST)

    assert "Number 3 in line, about 6 minutes" in page
