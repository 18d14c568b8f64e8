"""Many documents at once: chosen, all that match, refused, undone, and never somebody else's."""

import pytest
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.test import Client

from jobs import queue as job_queue
from jobs.models import Job, JobState
from jobs.worker import Lease
from knowledge import bulk, clearing, index, ingest, lexical, moving
from knowledge.models import Collection, Document, DocumentStatus, Release, ReleaseChunk
from knowledge.reconcile import compare
from knowledge.releases import publishing
from knowledge.retrieval import search
from tests.knowledge.factories import make_collection, make_document
from tests.knowledge.people import LIST, person, queue_one, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]
BULK = "/knowledge/bulk/"


def act(client: Client, action: str, *documents: Document, **more: str) -> str:
    """Post an action; return the page one comes to."""
    data = {"action": action, "document": [str(one.pk) for one in documents], "next": LIST, **more}
    return client.post(BULK, data, follow=True).content.decode()


def read(collection: Collection, name: str, text: str) -> Document:
    return ingest.ingest_now(queue_one(collection, name, text))


def work(kind: str) -> list[JobState]:
    """Run the jobs of a kind as a worker does."""
    queue, done = "background", []
    while (job := job_queue.claim(queue)) is not None:
        assert job.kind == kind
        handler = moving.run_move if kind == moving.JOB_KIND else clearing.run_removal
        state = handler(Lease(job))
        job_queue.finish(job, state)
        done.append(state)
    return done


def manager_of(collection: Collection, name: str = "carol") -> Client:
    group = Group.objects.create(name=f"Team of {collection.slug}")
    collection.managers.add(group)
    user = person(name)
    user.groups.add(group)
    return signed_in(user)


def test_chosen_documents_are_disabled_and_the_action_is_undone(
    alice: Client, collection: Collection
) -> None:
    first, second, third = (make_document(collection, "Words.", title=name) for name in ("A", "B", "C"))

    page = act(alice, "disable", first, second)

    assert "2 documents were disabled." in page
    assert 'Disabled <span class="count">2</span>' in page
    assert 'value="undo"' in page
    assert not Document.objects.get(pk=third.pk).is_disabled
    page = act(alice, "undo")
    assert "2 documents were enabled." in page
    assert not Document.objects.filter(is_disabled=True).exists()


def test_undo_is_offered_on_the_next_page_alone(alice: Client, collection: Collection) -> None:
    act(alice, "disable", make_document(collection, "Words.", title="A"))

    assert 'value="undo"' not in text_of(alice, LIST)


def test_documents_of_other_people_are_as_good_as_none(collection: Collection, private: Collection) -> None:
    theirs, mine = make_document(collection, "Words."), make_document(private, "Words.")
    carol = manager_of(private)

    page = act(carol, "disable", theirs, mine)

    assert "1 document was disabled." in page
    assert not Document.objects.get(pk=theirs.pk).is_disabled
    for action in ("delete", "again", "enable", "move"):
        assert "Nothing was chosen" in act(carol, action, theirs, confirmed="1", target=private.slug)
    assert Document.objects.get(pk=theirs.pk).collection == collection


def test_who_manages_nothing_may_do_nothing(bob: Client, collection: Collection) -> None:
    document = make_document(collection, "Words.")

    assert bob.post(BULK, {"action": "disable", "document": str(document.pk)}).status_code == 403
    assert Client().post(BULK, {"action": "disable", "document": str(document.pk)}).status_code == 302
    assert not Document.objects.get(pk=document.pk).is_disabled


def test_all_that_match_are_meant_also_beyond_the_page(alice: Client, collection: Collection) -> None:
    other = make_collection("other")
    for number in range(30):
        make_document(collection, "Words.", title=f"Sheet {number}")
    left = [
        make_document(collection, "Words.", title="Letter"),
        make_document(other, "Words.", title="Sheet"),
    ]

    page = act(alice, "disable", all="1", collection=collection.slug, q="sheet")

    assert "30 documents were disabled." in page
    assert not Document.objects.filter(pk__in=[one.pk for one in left], is_disabled=True).exists()


def test_more_than_one_action_takes_are_left_for_another(
    alice: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.views.bulk.MOST", 3)
    for number in range(5):
        make_document(collection, "Words.", title=f"Sheet {number}")

    page = act(alice, "disable", all="1", collection=collection.slug)

    assert "2 are left: do it again." in page
    assert Document.objects.filter(is_disabled=True).count() == 3
    act(alice, "disable", all="1", collection=collection.slug)
    assert Document.objects.filter(is_disabled=True).count() == 5


def test_documents_are_processed_again_and_those_being_read_are_refused_by_name(
    alice: Client, collection: Collection
) -> None:
    ready, waiting = read(collection, "ready.txt", "Ready."), queue_one(collection, "waiting.txt", "Waiting.")

    page = act(alice, "again", ready, waiting)

    assert "1 document is read again." in page
    assert "1 was left as it is." in page
    assert "waiting.txt" in page.partition('id="refused"')[2]
    assert Document.objects.get(pk=ready.pk).status == DocumentStatus.QUEUED


def test_refusals_stay_until_they_are_dismissed(alice: Client, collection: Collection) -> None:
    act(alice, "again", queue_one(collection, "waiting.txt"))

    assert 'id="refused"' in text_of(alice, LIST)
    alice.post("/knowledge/refusals/dismiss/", {"next": LIST})
    assert 'id="refused"' not in text_of(alice, LIST)


def test_deleting_is_asked_first_and_names_what_is_lost_and_the_gentler_way(
    alice: Client, collection: Collection
) -> None:
    documents = [read(collection, f"{name}.txt", f"Text of {name}.") for name in ("one", "two")]

    page = act(alice, "delete", *documents)

    assert "Delete 2 documents?" in page
    assert "2 chunks" in page
    assert "Disable instead" in page
    assert Document.objects.filter(status=DocumentStatus.READY).count() == 2


def test_deleted_documents_answer_nothing_at_once_and_are_gone_after_the_job(
    alice: Client, collection: Collection
) -> None:
    documents = [read(collection, f"{name}.txt", f"The {name} lamp hums.") for name in ("red", "blue")]

    page = act(alice, "delete", *documents, confirmed="1")

    assert "2 documents are being deleted." in page
    assert not search("Which lamp hums?", user=person("dora")).passages
    assert work(clearing.JOB_KIND) == [JobState.DONE]
    assert not Document.objects.exists()
    assert compare(file_settles_s=0) == []


def test_a_moved_document_answers_in_the_other_collection_and_keeps_its_id(
    alice: Client, collection: Collection
) -> None:
    other = make_collection("other")
    document = read(collection, "lamp.txt", "The green lamp hums at night.")

    page = act(alice, "move", document, confirmed="1", target="other")

    assert "1 document is being moved." in page
    assert "Being moved" in page
    assert work(moving.JOB_KIND) == [JobState.DONE]
    moved = Document.objects.get(pk=document.pk)
    assert moved.collection == other
    (passage,) = search("Which lamp hums at night?", user=person("dora"), collections=only(other)).passages
    assert passage.document_id == str(document.pk)
    assert passage.dense > 0
    assert not search("Which lamp hums at night?", user=person("emil"), collections=only(collection)).passages
    assert index.list_keys(collection) == set()
    assert lexical.list_ids(collection.pk) == set()
    assert compare(file_settles_s=0) == []


def only(collection: Collection) -> QuerySet[Collection]:
    return Collection.objects.filter(pk=collection.pk)


def test_a_published_document_is_moved_only_when_that_is_confirmed(
    alice: Client, collection: Collection
) -> None:
    make_collection("other")
    document = read(collection, "lamp.txt", "The green lamp hums.")
    publishing.publish(collection, by=None)

    asked = act(alice, "move", document)
    page = act(alice, "move", document, confirmed="1", target="other")

    assert 'name="even_published"' in asked
    assert "Visitors get answers from it now." in page
    assert not Job.objects.filter(kind=moving.JOB_KIND).exists()
    act(alice, "move", document, confirmed="1", target="other", even_published="1")
    work(moving.JOB_KIND)
    assert Document.objects.get(pk=document.pk).collection.slug == "other"
    assert not ReleaseChunk.objects.exists()
    assert Release.objects.exists()
    assert compare(file_settles_s=0) == []


def test_a_document_is_not_moved_to_where_its_content_is_or_to_strangers(
    alice: Client, collection: Collection, private: Collection
) -> None:
    other = make_collection("other")
    document = read(collection, "lamp.txt", "The same words.")
    read(other, "same.txt", "The same words.")
    carol = manager_of(collection)

    page = act(alice, "move", document, confirmed="1", target="other")
    act(carol, "move", document, confirmed="1", target=private.slug)

    assert "same.txt" in page
    assert not Job.objects.filter(kind=moving.JOB_KIND).exists()


def test_a_move_that_died_after_the_switch_is_finished_by_the_next_attempt(
    collection: Collection,
) -> None:
    other = make_collection("other")
    document = read(collection, "lamp.txt", "The green lamp hums.")
    source = Collection.objects.get(pk=collection.pk)
    moving.move_later(document, other)
    copied = moving._copy_vectors(document, source, other)
    assert moving._switch(document, source, other, copied)
    assert compare(file_settles_s=0) != []

    assert work(moving.JOB_KIND) == [JobState.DONE]

    assert compare(file_settles_s=0) == []
    assert Document.objects.get(pk=document.pk).collection == other


def test_many_documents_are_switched_in_few_transactions(collection: Collection) -> None:
    documents = [make_document(collection, "Words.", title=str(number)) for number in range(120)]

    outcome = bulk.enable(documents, is_on=False, by=None)

    assert len(outcome.done) == 120
    assert Document.objects.filter(is_disabled=True).count() == 120
