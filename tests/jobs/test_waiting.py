"""What the queue says of places and waiting times is true: by engine, whatever the number of workers."""

import random
from collections.abc import Sequence
from datetime import timedelta
from statistics import median

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from jobs import fairness, queue, waiting
from jobs.errors import QueueFull
from jobs.models import Job, JobState

pytestmark = pytest.mark.django_db


def measured(seconds: float, engine: str = "", state: JobState = JobState.DONE, kind: str = "count") -> None:
    """Note a job that ended just now and took so long."""
    now = timezone.now()
    Job.objects.create(
        kind=kind, queue="inference", priority=10, subject="old", engine=engine, state=state,
        started_at=now - timedelta(seconds=seconds), finished_at=now,
    )  # fmt: skip


def runs(owner: str, engine: str = "", since_s: float = 0.0, kind: str = "count") -> Job:
    """Note a job that some worker, wherever it is, has been running for so long."""
    return Job.objects.create(
        kind=kind, queue="inference", priority=10, subject=owner, owner=owner, engine=engine, attempt=1,
        state=JobState.RUNNING, started_at=timezone.now() - timedelta(seconds=since_s),
        lease_until=timezone.now() + timedelta(seconds=60),
    )  # fmt: skip


def waits(owner: str, engine: str = "", kind: str = "count") -> Job:
    return queue.enqueue(kind, owner, owner=owner, engine=engine)


def told(job: Job) -> tuple[int, int | None]:
    """Tell place and wait, in tens of seconds: the clock goes on while a test looks."""
    position = waiting.position(job)
    assert position is not None
    return position.position, None if position.eta_s is None else round(position.eta_s / 10) * 10


def test_position_counts_those_ahead_and_expects_from_measured_times() -> None:
    measured(10)
    waits("u:1")
    last = waits("u:2")

    assert told(last) == (2, 10)


def test_position_of_a_job_that_runs_is_none() -> None:
    job = waits("u:1")
    queue.claim("inference")

    assert waiting.position(job) is None


def test_position_of_a_job_that_was_just_asked_to_stop_is_none() -> None:
    job = waits("u:1")
    Job.objects.filter(pk=job.pk).update(is_cancel_requested=True)  # as between the two steps of a stop

    assert waiting.position(job) is None


def test_each_job_in_front_takes_what_its_own_engine_takes() -> None:
    measured(20, "fast")
    measured(600, "slow")
    runs("u:9", "fast", since_s=0)
    behind_fast = waits("u:1", "fast")
    behind_slow = waits("u:2", "slow")
    last = waits("u:3", "fast")

    assert told(behind_fast) == (1, 20)
    assert told(behind_slow) == (2, 40)
    assert told(last) == (3, 640)


def test_a_slow_engine_does_not_lengthen_the_waits_of_a_fast_one_by_its_average() -> None:
    for _ in range(20):
        measured(20, "fast")
    measured(6000, "slow")
    waits("u:1", "fast")

    assert told(waits("u:2", "fast")) == (2, 20)


def test_a_wait_behind_an_engine_that_was_never_measured_is_not_known() -> None:
    measured(2, "fast")
    waits("u:1", "new")

    assert told(waits("u:2", "fast")) == (2, None)


def test_a_running_job_that_was_never_measured_is_not_counted_on() -> None:
    measured(60, "fast")
    runs("u:8", "new", since_s=500)
    runs("u:9", "fast", since_s=19)

    assert told(waits("u:1", "fast")) == (1, 40)


def test_what_was_stopped_or_failed_says_nothing_about_how_long_a_job_takes() -> None:
    measured(10)
    measured(1, state=JobState.CANCELLED)
    measured(500, state=JobState.FAILED)
    waits("u:1")
    waits("u:2")

    assert told(waits("u:3")) == (3, 20)


@pytest.mark.parametrize(("slots", "expected"), [(1, 400), (2, 200), (4, 100)])
def test_slots_count_together_on_however_many_workers_they_are(slots: int, expected: int) -> None:
    measured(100)
    for slot in range(slots):
        runs(f"u:9{slot}")
    for owner in range(3):
        waits(f"u:{owner}")

    assert told(waits("u:7")) == (4, expected)


def test_who_has_all_replies_allowed_waits_for_the_own_one_to_end(settings: Settings) -> None:
    settings.MAX_REPLIES_PER_USER = 1
    measured(10, "fast")
    measured(600, "slow")
    runs("u:1", "slow", since_s=0)
    runs("u:2", "fast", since_s=8)
    mine = waits("u:1", "fast")

    position = told(mine)
    claimed = queue.claim("inference")

    assert position == (1, 600)
    assert claimed is None


def test_a_job_that_takes_longer_than_usual_is_expected_to_end_soon() -> None:
    measured(80)
    runs("u:1", since_s=900)

    assert told(waits("u:2")) == (1, 20)


def test_expected_waits_follow_the_order_of_the_line_and_come_near_what_happens() -> None:
    rng = random.Random(7)
    usual_s = {"fast": 4.0, "slow": 40.0}
    errors = []
    for _ in range(200):
        slots = rng.randint(1, 6)
        engines = [rng.choice(["fast", "slow"]) for _ in range(slots + 12)]
        takes = [usual_s[engine] * rng.lognormvariate(-0.08, 0.4) for engine in engines]
        since = [rng.random() * takes[slot] for slot in range(slots)]
        left = [fairness.left_s(usual_s[engines[slot]], since[slot]) for slot in range(slots)]
        line = [usual_s[engine] for engine in engines[slots:]]

        expected = [fairness.expected_wait_s(line[:place], left) for place in range(12)]

        happened = _happened(takes[slots:], [takes[slot] - since[slot] for slot in range(slots)])
        assert expected == sorted(expected)
        errors += [abs(e - h) / h for e, h in zip(expected[2:], happened[2:], strict=True) if h > 1]
    print(f"median error of the expected wait: {median(errors):.0%}")  # noqa: T201 - a figure for the docs
    assert median(errors) < 0.5


def _happened(takes: Sequence[float], free: list[float]) -> list[float]:
    """Serve a line and note when each one started."""
    starts = []
    for took in takes:
        slot = free.index(min(free))
        starts.append(free[slot])
        free[slot] += took
    return starts


def test_a_full_queue_says_how_many_wait_and_when_there_is_room() -> None:
    measured(90, "slow")
    runs("u:1", "slow", since_s=30)
    waits("u:2", "slow")

    with pytest.raises(QueueFull) as full:
        queue.enqueue("count", "c", owner="u:3", limit=1)

    assert full.value.waiting == 1
    assert full.value.room_in_s == pytest.approx(60, abs=8)
    assert Job.objects.filter(subject="c").count() == 0


def test_a_full_queue_that_measured_nothing_yet_does_not_guess() -> None:
    runs("u:1", "new")
    waits("u:2", "new")

    with pytest.raises(QueueFull) as full:
        queue.enqueue("count", "c", owner="u:3", limit=1)

    assert full.value.room_in_s is None


def test_the_places_of_many_are_those_of_each() -> None:
    draw = random.Random(7)
    runs("u:1")
    for _ in range(14):
        waits(f"u:{draw.randint(1, 4)}")
    Job.objects.filter(pk=waits("u:3").pk).update(attempt=1)
    jobs = list(Job.objects.filter(state=JobState.QUEUED))

    told_at_once = {job.pk: place.position for job, place in waiting.places(jobs).items()}

    assert told_at_once == {job.pk: place.position for job in jobs if (place := waiting.position(job))}
    assert sorted(told_at_once.values()) == list(range(1, 16))


@pytest.mark.parametrize("workers", [1, 3])
def test_places_come_true_with_one_worker_and_with_several(workers: int) -> None:
    draw = random.Random(workers)
    for number in range(15):
        queue.enqueue("short", str(number), owner=f"u:{draw.randint(1, 4)}")
    jobs = list(Job.objects.filter(state=JobState.QUEUED))
    promised = {job.pk: place.position for job, place in waiting.places(jobs).items()}

    busy: list[Job] = []
    errors = []
    for started in range(1, 16):
        if len(busy) == workers:
            queue.finish(busy.pop(0))
        claimed = queue.claim("background")
        assert claimed is not None
        busy.append(claimed)
        errors.append(abs(promised[claimed.pk] - started))

    print(f"places were wrong by {max(errors)} at most with {workers} workers")  # noqa: T201 - for the docs
    assert max(errors) <= 1


def test_a_job_that_began_meanwhile_has_no_place() -> None:
    begun = waits("u:1")
    queue.claim("inference")

    assert waiting.places([begun]) == {}
