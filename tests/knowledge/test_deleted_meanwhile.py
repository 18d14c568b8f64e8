"""Collections and golden questions that are deleted while a job works on them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest
from django.test import Client

from jobs import queue as job_queue
from jobs.models import Job, JobState
from knowledge import calibration, index, ingest, reindexing
from knowledge.models import Collection, Expectation, GoldenQuestion
from knowledge.releases import publishing, trial
from tests.knowledge.test_accidents import ROADS, read

if TYPE_CHECKING:
    from jobs.worker import Lease

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]


class Interrupted:
    """A job at whose n-th step something else happens."""

    def __init__(self, kind: str, step: int, what: Callable[[], object]) -> None:
        self.job = Job.objects.get(kind=kind)
        self._left, self._what = step, what

    def should_stop(self) -> bool:
        self._left -= 1
        if self._left == 0:
            self._what()
        return False

    def report_progress(self, done: int, total: int) -> None:
        """Nobody looks."""


def delete(collection: Collection) -> Callable[[], object]:
    return lambda: ingest.delete_collection(Collection.objects.get(pk=collection.pk))


@pytest.mark.parametrize("step", [1, 2, 5, 8])
def test_a_trial_ends_with_its_collection(collection: Collection, step: int) -> None:
    read(collection)
    for number in range(3):
        GoldenQuestion.objects.create(collection=collection, text=f"Kettle {number}?", expectation="refuse")
    publishing.publish(collection, by=None)
    read(collection, ROADS, "roads.md")
    trial.start_trial(collection, by=None)

    state = trial.run_trial(cast("Lease", Interrupted("golden", step, delete(collection))))

    assert state == JobState.CANCELLED


def test_a_trial_goes_on_without_a_question_that_was_deleted(collection: Collection) -> None:
    read(collection)
    kept, gone = (
        GoldenQuestion.objects.create(collection=collection, text=text, expectation="refuse")
        for text in ("Moon?", "Sun?")
    )
    run = trial.start_trial(collection, by=None)

    state = trial.run_trial(cast("Lease", Interrupted("golden", 2, gone.delete)))

    assert state == JobState.DONE
    assert [result.question for result in run.results.all()] == [kept]


def test_a_trial_whose_job_is_gone_can_be_stopped(alice: Client, collection: Collection) -> None:
    read(collection)
    trial.start_trial(collection, by=None)
    Job.objects.all().delete()

    alice.post(f"/knowledge/{collection.slug}/release/try/stop/")

    assert trial.unfinished(collection) is None


def test_measuring_ends_with_its_collection(collection: Collection) -> None:
    read(collection)
    calibration.queue(collection)

    state = calibration.run_calibration(cast("Lease", Interrupted("calibrate", 1, delete(collection))))

    assert state == JobState.CANCELLED


def test_making_an_index_anew_ends_with_its_collection_and_leaves_no_store(collection: Collection) -> None:
    read(collection)
    Collection.objects.filter(pk=collection.pk).update(embedder="older")
    job_queue.enqueue("reindex", str(collection.pk))

    state = reindexing.reindex(cast("Lease", Interrupted("reindex", 1, delete(collection))))

    assert state == JobState.CANCELLED
    assert not index.list_keys(Collection(pk=collection.pk, generation=1))


def test_deleting_a_collection_ends_its_trial_without_a_trace_of_an_error(collection: Collection) -> None:
    read(collection)
    GoldenQuestion.objects.create(collection=collection, text="Kettles?", expectation=Expectation.REFUSE)
    publishing.publish(collection, by=None)
    trial.start_trial(collection, by=None)

    ingest.delete_collection(collection)

    assert not Collection.objects.filter(pk=collection.pk).exists()
