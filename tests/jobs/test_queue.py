"""The queue: who is next, who holds a job, what happens when a worker dies."""

import pytest
from pytest_django.fixtures import Settings

from jobs import queue
from jobs.errors import LeaseLost, QueueFull
from jobs.models import Job, JobState

pytestmark = pytest.mark.django_db


def test_claim_takes_the_oldest_when_all_owners_are_equal() -> None:
    first = queue.enqueue("count", "a", owner="u:1")
    queue.enqueue("count", "b", owner="u:2")

    claimed = queue.claim("inference")

    assert claimed is not None
    assert (claimed.pk, claimed.state, claimed.attempt) == (first.pk, JobState.RUNNING, 1)


def test_claim_prefers_the_owner_with_fewer_running_jobs(settings: Settings) -> None:
    settings.MAX_REPLIES_PER_USER = 5
    for subject in ("a1", "a2"):
        queue.enqueue("count", subject, owner="u:1")
    queue.enqueue("count", "b1", owner="u:2")

    order = [job.subject for _ in range(3) if (job := queue.claim("inference"))]

    assert order == ["a1", "b1", "a2"]


def test_claim_leaves_an_owner_waiting_who_has_all_replies_allowed(settings: Settings) -> None:
    settings.MAX_REPLIES_PER_USER = 1
    queue.enqueue("count", "a1", owner="u:1")
    queue.enqueue("count", "a2", owner="u:1")

    first, second = queue.claim("inference"), queue.claim("inference")

    assert first is not None
    assert second is None
    queue.finish(first)
    assert queue.claim("inference") is not None


def test_claim_takes_lower_priority_numbers_first() -> None:
    queue.enqueue("later", "background", owner="u:1")
    queue.enqueue("count", "chat", owner="u:2")

    claimed = queue.claim("inference")

    assert claimed is not None
    assert claimed.subject == "chat"


def test_enqueue_refuses_when_the_queue_is_full() -> None:
    queue.enqueue("count", "a", limit=1)

    with pytest.raises(QueueFull):
        queue.enqueue("count", "b", limit=1)

    assert Job.objects.count() == 1


def test_a_worker_whose_lease_went_to_another_can_write_nothing() -> None:
    queue.enqueue("count", "a")
    zombie = queue.claim("inference")
    assert zombie is not None
    queue.release_all_leases()
    queue.sweep()
    heir = queue.claim("inference")
    assert heir is not None

    with pytest.raises(LeaseLost):
        queue.finish(zombie)
    with pytest.raises(LeaseLost):
        queue.report_progress(zombie, 1, 2)
    assert not queue.heartbeat(zombie)

    assert heir.attempt == 2
    queue.finish(heir)
    assert Job.objects.get().state == JobState.DONE


def test_sweep_fails_a_job_whose_workers_died_on_every_attempt(settings: Settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 2
    queue.enqueue("count", "a")
    for _ in range(2):
        assert queue.claim("inference") is not None
        queue.release_all_leases()
        _again, failed = queue.sweep()

    assert [job.subject for job in failed] == ["a"]
    assert Job.objects.get().state == JobState.FAILED


def test_sweep_leaves_a_job_alone_whose_worker_lives() -> None:
    queue.enqueue("count", "a")
    assert queue.claim("inference") is not None

    assert queue.sweep() == (0, [])


def test_cancel_ends_a_queued_job_at_once() -> None:
    job = queue.enqueue("count", "a")

    assert queue.cancel(job.pk) == JobState.CANCELLED

    assert queue.claim("inference") is None


def test_cancel_asks_a_running_job_to_stop() -> None:
    queue.enqueue("count", "a")
    job = queue.claim("inference")
    assert job is not None

    assert queue.cancel(job.pk) == JobState.RUNNING

    assert queue.cancel_requested([job.pk]) == {job.pk}


def test_a_kind_with_a_limit_leaves_the_slots_to_others() -> None:
    for subject in "ab":
        queue.enqueue("long", subject)
    queue.enqueue("short", "c")

    taken = [job for _ in range(3) if (job := queue.claim("background"))]

    assert [job.subject for job in taken] == ["a", "c"]
    queue.finish(taken[0])
    following = queue.claim("background")
    assert following is not None
    assert following.subject == "b"


def test_a_job_that_was_stopped_and_lost_its_worker_is_cancelled_by_the_sweep() -> None:
    queue.enqueue("count", "a")
    job = queue.claim("inference")
    assert job is not None
    queue.cancel(job.pk)
    queue.release_all_leases()

    again, ended = queue.sweep()

    assert (again, [ended_job.subject for ended_job in ended]) == (0, ["a"])
    assert Job.objects.get().state == JobState.CANCELLED


def test_a_job_given_back_is_claimed_again_and_not_counted_as_a_failure(settings: Settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    queue.enqueue("count", "a")
    job = queue.claim("inference")
    assert job is not None

    assert queue.give_back(job)

    heir = queue.claim("inference")
    assert heir is not None
    assert heir.attempt == 2
    assert not queue.give_back(job)


def test_the_sweep_sends_one_wake_up_for_every_job_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    for subject in "abc":
        queue.enqueue("count", subject)
    monkeypatch.setattr(queue, "wake", woken.append)

    queue.sweep()

    assert woken == ["inference"] * 3
