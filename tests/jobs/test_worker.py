"""Running jobs: slots, stops, failures, missed wake-ups."""

import threading

import pytest

from jobs import queue, worker
from jobs.models import Job, JobState
from jobs.slots import Slots
from tests.jobs import kinds

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_runs_all_that_waits() -> None:
    for subject in "abc":
        queue.enqueue("count", subject, owner=subject)

    assert worker.work("inference") == 3

    assert kinds.ran == ["a", "b", "c"]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


def test_a_handler_that_breaks_fails_its_job_and_tells_its_room() -> None:
    queue.enqueue("break", "a")
    queue.enqueue("count", "b")

    worker.work("inference")

    assert Job.objects.get(subject="a").state == JobState.FAILED
    assert Job.objects.get(subject="a").error_code == "internal"
    assert kinds.lost_subjects == ["a"]
    assert kinds.ran == ["b"]


def test_cancel_stops_a_running_job() -> None:
    job = queue.enqueue("wait", "a")
    thread = threading.Thread(target=worker.work, args=["inference"])
    thread.start()
    assert kinds.started.wait(10)

    worker.cancel(job.pk)

    thread.join(10)
    assert Job.objects.get().state == JobState.CANCELLED


def test_cancel_from_another_process_is_seen_by_the_keeper() -> None:
    job = queue.enqueue("wait", "a")
    thread = threading.Thread(target=worker.work, args=["inference"])
    thread.start()
    assert kinds.started.wait(10)

    queue.cancel(job.pk)  # only the row: as another process would

    thread.join(10)
    assert Job.objects.get().state == JobState.CANCELLED


def test_slots_remember_a_wake_up_that_found_none_free() -> None:
    slots = Slots(lambda: 1)
    assert slots.enter()
    assert not slots.enter()

    assert not slots.leave()  # look again first
    assert slots.leave()
    assert slots.enter()
