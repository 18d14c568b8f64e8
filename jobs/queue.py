"""The queue: enqueue, claim the fairest, heartbeat, finish, cancel, sweep. jobs/waiting.py tells places.

The database is the queue. A Celery message only says that a slot may be free (jobs/wake.py), so
a lost or doubled message does no harm. Every change of state is a conditional UPDATE: whoever
changes the row has won.
"""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from jobs import fairness, line
from jobs.errors import LeaseLost, QueueFull
from jobs.models import Job, JobState
from jobs.waiting import room_in_s
from jobs.wake import wake

logger = logging.getLogger(__name__)

WORKER_LOST = "worker_lost"
WAKES_A_SWEEP = 64  # a restart finds many jobs waiting and no message about any of them
_CLAIM_LOCK = 0x6A6F6273  # any number that is the same in every process


def enqueue(kind: str, subject: str, *, owner: str = "", engine: str = "", limit: int | None = None) -> Job:
    """Add a job and wake a worker once the transaction is committed.

    engine: what will write it; waiting times are measured for each. limit: refuse when this many jobs of
    the queue wait already that matter as much or more. Raises: QueueFull.
    """
    queue, priority, *_ = settings.JOB_KINDS[kind]
    if limit is not None:
        waiting = Job.objects.filter(queue=queue, state=JobState.QUEUED)
        already = waiting.filter(priority__lte=priority).count()
        if already >= limit:
            raise QueueFull(already, room_in_s(queue))
    job = Job.objects.create(
        kind=kind, queue=queue, priority=priority, subject=subject, owner=owner, engine=engine
    )
    transaction.on_commit(lambda: wake(queue))
    return job


def claim(queue: str) -> Job | None:
    """Take the fairest job that may run, or None.

    Lower priority numbers first; of those a job whose worker died, then the owner whose turn it is
    (jobs/fairness.py), then its oldest. An owner never runs more than MAX_REPLIES_PER_USER jobs of the
    inference queue at once, a kind never more than settings.JOB_LIMITS says.
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
    claimable = line.waiting_in(queue).exclude(kind__in=_full_kinds(queue))
    running = line.running_in(queue)
    if queue == line.CAPPED_QUEUE:
        full = [owner for owner, count in running.items() if owner and count >= settings.MAX_REPLIES_PER_USER]
        claimable = claimable.exclude(owner__in=full)
    top = claimable.order_by("priority").values_list("priority", flat=True).first()
    if top is None:
        return None
    claimable = claimable.filter(priority=top).order_by("created_at", "pk")
    if interrupted := claimable.filter(attempt__gt=0).first():
        return interrupted  # somebody looks at half of it
    owner = fairness.next_owner(list(line.claimants(queue, top, claimable, running).values()))
    return claimable.filter(owner=owner).first()


def _full_kinds(queue: str) -> list[str]:
    """Name the kinds of which no more may run at once, so that long ones leave a slot to the others."""
    limits = {kind: most for kind, most in settings.JOB_LIMITS.items() if _queue_of(kind) == queue}
    if not limits:
        return []
    running = Job.objects.filter(kind__in=limits, state=JobState.RUNNING).values_list("kind")
    return [kind for kind, count in running.annotate(Count("pk")).order_by() if count >= limits[kind]]


def _queue_of(kind: str) -> str:
    return str(settings.JOB_KINDS[kind][0]) if kind in settings.JOB_KINDS else ""


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
