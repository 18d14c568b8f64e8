"""Running jobs: slots, stops, failures, missed wake-ups."""

import threading

import pytest
from pytest_django.fixtures import Settings

from inference import conf
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


def test_a_failure_that_was_foreseen_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    queue.enqueue("refuse", "a")

    worker.work("inference")

    (record,) = [one for one in caplog.records if one.name == "jobs.worker"]
    assert record.exc_info is None
    assert record.getMessage().endswith("failed: log_unavailable: a")
    assert Job.objects.get().error_code == "log_unavailable"


def test_a_failure_nobody_foresaw_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    queue.enqueue("break", "a")

    worker.work("inference")

    assert any(one.exc_info for one in caplog.records if one.name == "jobs.worker")


def test_other_background_jobs_run_while_a_limited_one_hangs() -> None:
    hanging = queue.enqueue("long", "a")
    queue.enqueue("long", "b")
    thread = threading.Thread(target=worker.work, args=["background"])
    thread.start()
    assert kinds.started.wait(10)
    queue.enqueue("short", "c")

    worker.work("background")

    assert kinds.ran == ["c"]
    assert Job.objects.get(subject="b").state == JobState.QUEUED
    queue.cancel(Job.objects.get(subject="b").pk)
    worker.cancel(hanging.pk)
    thread.join(10)
    assert not thread.is_alive()


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


def test_an_engine_that_is_missing_does_not_keep_jobs_waiting(settings: Settings) -> None:
    settings.JOB_SLOTS = {"inference": 0}  # as many as the engine has
    settings.ENGINE = "onnx"
    settings.MODEL_PATH = "/nowhere"
    conf.reset()
    queue.enqueue("count", "a")

    assert worker.work("inference") == 1

    assert kinds.ran == ["a"]


def test_a_job_whose_subject_went_away_is_over_at_once() -> None:
    queue.enqueue("gone", "a")

    worker.work("inference")

    assert Job.objects.get().state == JobState.CANCELLED


def test_jobs_given_back_stop_here_and_wait_for_another_worker() -> None:
    queue.enqueue("wait", "a")
    thread = threading.Thread(target=worker.work, args=["inference"])
    thread.start()
    assert kinds.started.wait(10)

    worker.drain()
    given_back = worker.give_back_all()

    thread.join(10)
    worker._draining.clear()
    assert given_back == 1
    assert not thread.is_alive()
    assert Job.objects.get().state == JobState.QUEUED


def test_the_lease_of_a_new_attempt_survives_the_end_of_the_old_one() -> None:
    job = queue.enqueue("wait", "a")
    old = threading.Thread(target=worker.work, args=["inference"])
    old.start()
    assert kinds.started.wait(10)
    kinds.started.clear()
    queue.release_all_leases()
    queue.sweep()  # the worker counts as dead, but lives
    new = threading.Thread(target=worker.work, args=["inference"])
    new.start()
    assert kinds.started.wait(10)

    old.join(10)
    worker.cancel(job.pk)

    new.join(10)
    assert not old.is_alive()
    assert not new.is_alive()
    assert (Job.objects.get().state, Job.objects.get().attempt) == (JobState.CANCELLED, 2)


def test_owners_never_run_more_than_allowed_with_many_workers_claiming(settings: Settings) -> None:
    settings.JOB_SLOTS = {"inference": 8}
    for n in range(24):
        queue.enqueue("most", f"{n}", owner=f"u:{n % 3}")

    threads = [threading.Thread(target=worker.work, args=["inference"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert kinds.most_at_once == 1
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}
