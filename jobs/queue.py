"""The queue: enqueue, claim the fairest, heartbeat, finish, cancel, sweep, position.

The database is the queue. A Celery message only says that a slot may be free (jobs/wake.py), so
a lost or doubled message does no harm. Every change of state is a conditional UPDATE: whoever
changes the row has won.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.utils import timezone

from jobs import fairness
from jobs.errors import LeaseLost, QueueFull
from jobs.models import Job, JobState
from jobs.wake import wake

logger = logging.getLogger(__name__)

WORKER_LOST = "worker_lost"
RECENT = 20  # jobs that tell how long one takes
WAKES_A_SWEEP = 64  # a restart finds many jobs waiting and no message about any of them
_CLAIM_LOCK = 0x6A6F6273  # any number that is the same in every process


@dataclass(frozen=True, slots=True)
class Position:
    """Place in line, from 1 (next), and the seconds until it probably starts; None = not known yet."""

    position: int
    eta_s: float | None


def enqueue(kind: str, subject: str, *, owner: str = "", limit: int | None = None) -> Job:
    """Add a job and wake a worker once the transaction is committed.

    limit: refuse when this many jobs of the queue wait already. Raises: QueueFull.
    """
    queue, priority, *_ = settings.JOB_KINDS[kind]
    if limit is not None:
        waiting = Job.objects.filter(queue=queue, state=JobState.QUEUED).count()
        if waiting >= limit:
            raise QueueFull(waiting, expected_wait_s(queue, kind, place=1))
    job = Job.objects.create(kind=kind, queue=queue, priority=priority, subject=subject, owner=owner)
    transaction.on_commit(lambda: wake(queue))
    return job


def claim(queue: str) -> Job | None:
    """Take the fairest job that may run, or None.

    Lower priority numbers first; of those a job whose worker died, then the owner whose turn it is
    (jobs/fairness.py), then its oldest. An owner never runs more than MAX_REPLIES_PER_USER jobs of the
    inference queue at once.
    """
    if not Job.objects.filter(queue=queue, state=JobState.QUEUED).exists():
        return None  # most wake-ups end here, without a lock
    while True:
        with transaction.atomic():
            _lock_claims()
            job = _fairest(queue)
            if job is None:
                return None
            if _take(job):
                job.refresh_from_db()
                return job


def _lock_claims() -> None:
    """Let one claim at a time count who runs what; SQLite's transactions do so by themselves."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])


def _take(job: Job) -> bool:
    now = timezone.now()
    mine = Job.objects.filter(
        pk=job.pk, state=JobState.QUEUED, attempt=job.attempt, is_cancel_requested=False
    )
    return bool(
        mine.update(
            state=JobState.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE_S),
            started_at=now,
        )
    )


def _fairest(queue: str) -> Job | None:
    waiting = Job.objects.filter(queue=queue, state=JobState.QUEUED, is_cancel_requested=False)
    running = _running(queue)
    if queue == "inference":
        full = [owner for owner, count in running.items() if owner and count >= settings.MAX_REPLIES_PER_USER]
        waiting = waiting.exclude(owner__in=full)
    top = waiting.order_by("priority").values_list("priority", flat=True).first()
    if top is None:
        return None
    waiting = waiting.filter(priority=top).order_by("created_at", "pk")
    if interrupted := waiting.filter(attempt__gt=0).first():
        return interrupted  # somebody looks at half of it
    owner = fairness.next_owner(list(_claimants(queue, top, waiting, running).values()))
    return waiting.filter(owner=owner).first()


def _running(queue: str) -> dict[str, int]:
    running = Job.objects.filter(queue=queue, state=JobState.RUNNING)
    return dict(running.values_list("owner").annotate(Count("pk")))


def _claimants(
    queue: str, priority: int, waiting: QuerySet[Job], running: Mapping[str, int]
) -> dict[str, fairness.Claimant]:
    """Return the owners of waiting jobs, which have one priority."""
    owners = waiting.order_by().values_list("owner").annotate(Count("pk"), Min("created_at"))
    rows: list[tuple[str, int, datetime]] = list(owners)
    if not rows:
        return {}
    oldest = min(since for _owner, _count, since in rows)
    started = Job.objects.filter(
        queue=queue, priority=priority, owner__in=[owner for owner, *_ in rows], started_at__gt=oldest
    )
    last = dict(started.values_list("owner").annotate(Max("started_at")))
    return {
        owner: fairness.Claimant(owner, count, running.get(owner, 0), since, last.get(owner))
        for owner, count, since in rows
    }


def heartbeat(job: Job) -> bool:
    """Extend the lease; return False when another attempt has the job, or it is over."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_S)
    return bool(_held(job).update(lease_until=until))


def cancel_requested(job_ids: list[UUID]) -> set[UUID]:
    """Return which of these running jobs were asked to stop."""
    return set(Job.objects.filter(pk__in=job_ids, is_cancel_requested=True).values_list("pk", flat=True))


def report_progress(job: Job, done: int, total: int) -> None:
    """Store how far the job is. Raises: LeaseLost."""
    if not _held(job).update(progress_done=done, progress_total=total):
        raise LeaseLost(f"{job} attempt {job.attempt}")


def finish(job: Job, state: JobState = JobState.DONE, error_code: str = "") -> None:
    """End the job. Raises: LeaseLost."""
    if not _held(job).update(
        state=state, error_code=error_code, finished_at=timezone.now(), lease_until=None
    ):
        raise LeaseLost(f"{job} attempt {job.attempt}")


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)


def cancel(job_id: UUID) -> JobState | None:
    """Ask a job to stop. Queued: cancelled at once. Running: its handler sees it within a step.

    Returns the state it is in now; None when there is no such job.
    """
    asked = Job.objects.filter(pk=job_id)
    asked.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).update(is_cancel_requested=True)
    asked.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED, finished_at=timezone.now())
    job = Job.objects.filter(pk=job_id).first()
    return JobState(job.state) if job else None


def sweep() -> tuple[int, list[Job]]:
    """Put jobs of dead workers back in the queue; end those that had all their attempts or a stop.

    Returns how many were put back, and the jobs that ended: failed or cancelled.
    """
    now = timezone.now()
    dead = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=now)
    ended = []
    for job in dead.filter(Q(attempt__gte=settings.JOB_MAX_ATTEMPTS) | Q(is_cancel_requested=True)):
        state = JobState.CANCELLED if job.is_cancel_requested else JobState.FAILED
        job.state, job.error_code = state, "" if job.is_cancel_requested else WORKER_LOST
        if dead.filter(pk=job.pk).update(
            state=state, error_code=job.error_code, finished_at=now, lease_until=None
        ):
            ended.append(job)
    again = dead.filter(attempt__lt=settings.JOB_MAX_ATTEMPTS, is_cancel_requested=False).update(
        state=JobState.QUEUED, lease_until=None
    )
    if again or ended:
        logger.warning("swept: %s jobs queued again, %s ended", again, len(ended))
    _wake_all()
    return again, ended


def _wake_all() -> None:
    """Send a message for every job that waits: each starts one worker at most."""
    waiting = Job.objects.filter(state=JobState.QUEUED).values_list("queue").annotate(Count("pk"))
    for queue, count in waiting.order_by():
        for _ in range(min(count, WAKES_A_SWEEP)):
            wake(queue)


def give_back(job: Job) -> bool:
    """Put a job back in the queue, unfinished and not counted as a failure; False when it is not held."""
    return bool(_held(job).update(state=JobState.QUEUED, lease_until=None))


def release_all_leases() -> int:
    """Treat every running job as its worker's loss; only for a process that knows it is the only one."""
    long_ago = timezone.now() - timedelta(seconds=1)
    return Job.objects.filter(state=JobState.RUNNING).update(lease_until=long_ago)


def position(job: Job) -> Position | None:
    """Return the place in line of a queued job; None once it is not queued any more."""
    job_now = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).first()
    if job_now is None:
        return None
    place = _place(job_now)
    return Position(place, expected_wait_s(job_now.queue, job_now.kind, place))


def _place(job: Job) -> int:
    waiting = Job.objects.filter(queue=job.queue, state=JobState.QUEUED, is_cancel_requested=False)
    first = waiting.filter(priority__lt=job.priority).count()
    equals = waiting.filter(priority=job.priority)
    older = Q(created_at__lt=job.created_at) | Q(created_at=job.created_at, pk__lt=job.pk)
    interrupted = equals.filter(attempt__gt=0)
    if job.attempt:
        return first + interrupted.filter(older).count() + 1
    fresh = equals.filter(attempt=0)
    before = fresh.filter(older, owner=job.owner).count()
    claimants = _claimants(job.queue, job.priority, fresh, _running(job.queue))
    return first + interrupted.count() + fairness.place(claimants, job.owner, before)


def expected_wait_s(queue: str, kind: str, place: int) -> float | None:
    """Return the seconds until the job at a place starts, by what the last ones took; None = not known."""
    now = timezone.now()
    taken = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    done = Job.objects.filter(kind=kind, state=JobState.DONE, finished_at__gt=now - timedelta(hours=1))
    recent: list[timedelta] = list(
        done.order_by("-finished_at").annotate(taken=taken).values_list("taken", flat=True)[:RECENT]
    )
    if not recent:
        return None
    usual_s = sum(one.total_seconds() for one in recent) / len(recent)
    running = Job.objects.filter(queue=queue, state=JobState.RUNNING).values_list("started_at", flat=True)
    running_for_s = [(now - at).total_seconds() for at in running if at]
    return round(fairness.expected_wait_s(place, usual_s, running_for_s), 1)
