"""Summaries of documents and collections, through the verbs and a real worker."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from inference.types import ShouldStop
from jobs import queue, worker
from jobs.models import Job, JobState
from knowledge import removal
from knowledge.models import ChunkState, Collection, Document, Summary
from knowledge.summaries import making, material
from knowledge.summaries.notes import CITATION
from knowledge.summaries.steps import Step, Written
from tests.knowledge.factories import make_document

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]

RETURNS = "You may return a kettle within 30 days of delivery. The box must be complete."
WARRANTY = "The warranty of every kettle lasts two years. It covers the heating element and the switch."
PARCELS = "The parcel costs 4.90 euros unless the kettle is broken. We send a label by mail."


def long_document(collection: Collection, chunks: int) -> Document:
    """A document of so many chunks, none like another."""
    texts = [
        f"Section {n} is about pump number {n}. Its filter is changed every {n + 3} weeks by the technician. "
        f"The valve V{n} opens at {n * 7} bar. "
        for n in range(chunks)
    ]
    return make_document(collection, *texts, title="Pumps")


def summarise(document: Document) -> Summary:
    making.request_summary(document)
    worker.work("inference")
    return Summary.objects.get(document=document)


def test_a_summary_without_a_model_is_made_of_the_documents_sentences(collection: Collection) -> None:
    document = make_document(collection, RETURNS, WARRANTY, PARCELS, title="Terms")

    summary = summarise(document)

    plain = CITATION.sub("", summary.text).replace(" .", ".")
    taken = [sentence.strip() for sentence in plain.split("\n\n")]
    assert len(taken) == 3
    assert all(sentence in RETURNS + " " + WARRANTY + " " + PARCELS for sentence in taken)
    assert (summary.engine, summary.version, summary.language) == ("extractive", 1, "en")
    chunks = [passage["chunk"] for passage in summary.passages]
    assert chunks == list(document.chunks.values_list("pk", flat=True))
    assert (summary.of, summary.left_out) == (material.fingerprint(document), 0)


def test_the_same_document_gives_the_same_summary_again(collection: Collection) -> None:
    document = long_document(collection, 40)

    first = summarise(document).text
    second = summarise(document).text

    assert first == second


def test_a_chunk_that_is_switched_off_is_not_summarised(collection: Collection) -> None:
    document = make_document(collection, RETURNS, WARRANTY, title="Terms")
    document.chunks.filter(text__contains="warranty").update(state=ChunkState.OFF)

    summary = summarise(document)

    assert "warranty" not in summary.text
    assert "kettle" in summary.text


def test_a_document_is_summarised_by_one_job_at_a_time(collection: Collection) -> None:
    document = make_document(collection, RETURNS, title="Terms")

    making.request_summary(document)
    making.request_summary(document)

    assert Job.objects.filter(kind=making.JOB_KIND).count() == 1


def test_a_model_reads_a_long_document_part_by_part_and_comes_to_an_end(
    collection: Collection, tiny: Path
) -> None:
    document = long_document(collection, 120)

    summary = summarise(document)

    jobs = Job.objects.filter(kind=making.JOB_KIND)
    assert jobs.count() > 2
    assert set(jobs.values_list("state", flat=True)) == {JobState.DONE}
    assert (summary.error_code, summary.work, summary.job) == ("", {}, None)
    cited = {int(n) for n in CITATION.findall(summary.text)}
    assert cited == set(range(1, len(summary.passages) + 1))


def test_a_document_of_two_thousand_chunks_ends_and_says_what_was_left_out(
    collection: Collection, tiny: Path
) -> None:
    document = long_document(collection, 2000)

    summary = summarise(document)

    assert summary.text
    assert 0 < summary.left_out < 2000
    assert Job.objects.filter(kind=making.JOB_KIND).count() <= 60


def test_a_summary_waits_until_no_reply_does(collection: Collection) -> None:
    document = make_document(collection, RETURNS, title="Terms")
    making.request_summary(document)
    reply = queue.enqueue("reply", "00000000-0000-4000-8000-000000000000", owner="u:1")

    first = queue.claim("inference")

    assert first is not None
    assert first.pk == reply.pk


def test_a_step_that_runs_gives_its_place_to_a_reply_and_is_done_after_it(
    collection: Collection, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LOOK_S", 0.0)
    summary = making.request_summary(long_document(collection, 120))
    step = queue.claim("inference")
    assert step is not None
    reply = queue.enqueue("reply", "00000000-0000-4000-8000-000000000000", owner="u:1")

    worker.run(step)

    summary.refresh_from_db()
    following = queue.claim("inference")
    assert following is not None
    assert following.pk == reply.pk
    assert (summary.work["done"], summary.text) == (0, "")
    waiting = making.live_job(summary)
    assert waiting is not None
    assert waiting.pk != step.pk


def test_a_step_does_not_give_way_to_somebody_who_waits_for_himself(
    collection: Collection, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LOOK_S", 0.0)
    for _question in range(2):
        queue.enqueue("reply", "00000000-0000-4000-8000-000000000000", owner="u:1")
    assert queue.claim("inference") is not None  # one of them runs, and nobody runs two
    summary = making.request_summary(long_document(collection, 120))
    step = queue.claim("inference")
    assert step is not None

    worker.run(step)

    summary.refresh_from_db()
    assert summary.work["done"] == 1


def test_waiting_summaries_do_not_fill_the_queue_of_replies(collection: Collection) -> None:
    making.request_summary(make_document(collection, RETURNS, title="Terms"))

    queue.enqueue("reply", "00000000-0000-4000-8000-000000000000", limit=1)

    assert Job.objects.filter(kind="reply").count() == 1


def test_stopping_a_waiting_summary_keeps_the_one_there_was(collection: Collection) -> None:
    document = make_document(collection, RETURNS, WARRANTY, title="Terms")
    before = summarise(document).text
    summary = making.request_summary(document)

    making.stop_summary(summary)

    worker.work("inference")
    summary.refresh_from_db()
    assert (summary.text, summary.error_code, summary.job) == (before, "cancelled", None)
    assert making.live_job(summary) is None


def test_a_worker_killed_between_two_parts_is_gone_on_with(collection: Collection, tiny: Path) -> None:
    document = long_document(collection, 120)
    summary = making.request_summary(document)
    first = queue.claim("inference")
    assert first is not None
    worker.run(first)
    summary.refresh_from_db()
    read = summary.work["done"]
    second = queue.claim("inference")  # … and its worker dies with it
    assert second is not None

    queue.release_all_leases()
    worker.sweep()
    summary.refresh_from_db()
    kept = summary.work["done"]
    worker.work("inference")

    summary.refresh_from_db()
    assert read == kept == 1
    assert (bool(summary.text), summary.error_code) == (True, "")


def test_a_step_that_was_done_already_is_not_done_twice(collection: Collection, tiny: Path) -> None:
    document = long_document(collection, 120)
    summary = making.request_summary(document)
    first = queue.claim("inference")
    assert first is not None
    worker.run(first)
    Job.objects.filter(pk=first.pk).update(state=JobState.QUEUED)  # died before it could say that it was done

    worker.work("inference")

    first.refresh_from_db()
    summary.refresh_from_db()
    assert first.state == JobState.CANCELLED
    assert summary.text


def test_a_summary_whose_workers_die_twice_fails_with_a_code(collection: Collection) -> None:
    summary = making.request_summary(make_document(collection, RETURNS, title="Terms"))
    for _attempt in range(2):
        assert queue.claim("inference") is not None
        queue.release_all_leases()
        worker.sweep()

    summary.refresh_from_db()
    assert summary.error_code == "worker_lost"
    assert making.live_job(summary) is None


def test_a_deleted_document_takes_its_summary_and_the_job_ends(collection: Collection) -> None:
    document = make_document(collection, RETURNS, title="Terms")
    making.request_summary(document)

    removal.delete_document(document)
    worker.work("inference")

    assert not Summary.objects.exists()
    assert Job.objects.get(kind=making.JOB_KIND).state == JobState.CANCELLED


def test_an_engine_that_is_not_there_fails_with_its_code(
    collection: Collection, tiny: Path, settings: Settings
) -> None:
    settings.MODEL_PATH = "/nowhere"

    summary = summarise(make_document(collection, RETURNS, title="Terms"))

    assert summary.error_code == "model_not_found"


def test_a_collection_is_summarised_from_its_documents_summaries(collection: Collection) -> None:
    terms = make_document(collection, RETURNS, WARRANTY, title="Terms")
    summarise(terms)
    make_document(collection, PARCELS, title="Parcels")

    making.request_summary(collection)
    worker.work("inference")

    summary = Summary.objects.get(collection=collection)
    assert "- Terms: " in summary.text
    assert "- Parcels: " in summary.text
    assert {passage["title"] for passage in summary.passages} == {"Terms", "Parcels"}
    assert summary.of == material.collection_fingerprint(collection)


def test_what_a_deleted_document_said_leaves_its_collections_summary(collection: Collection) -> None:
    terms = make_document(collection, RETURNS, WARRANTY, title="Terms")
    make_document(collection, PARCELS, title="Parcels")
    making.request_summary(collection)
    worker.work("inference")

    removal.delete_document(terms)

    summary = Summary.objects.get(collection=collection)
    assert (summary.text, summary.passages) == ("", [])


def test_a_document_deleted_while_its_collection_is_summarised_is_not_in_the_summary(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = make_document(collection, RETURNS, WARRANTY, title="Terms")
    make_document(collection, PARCELS, title="Parcels")
    run = Step.run
    deaths = [terms]

    def run_and_delete(step: Step, should_stop: ShouldStop) -> Written:
        written = run(step, should_stop)
        if deaths:
            removal.delete_document(deaths.pop())
        return written

    monkeypatch.setattr(Step, "run", run_and_delete)
    making.request_summary(collection)
    worker.work("inference")

    summary = Summary.objects.get(collection=collection)
    assert {passage["title"] for passage in summary.passages} == {"Parcels"}
    assert "30 days" not in summary.text
