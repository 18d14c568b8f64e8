"""Place in line, and how long that takes by what was measured: of each kind on each engine.

Nothing is assumed of workers or their slots: while jobs wait, every slot there is has a running job.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from jobs import fairness, line
from jobs.models import Job, JobState

RECENT: Final = 20  # jobs that tell how long one takes
MEASURED_WITHIN: Final = timedelta(days=1)

Work = tuple[str, str]  # kind and engine: what tells how long a job takes


@dataclass(frozen=True, slots=True)
class Position:
    """Place in line, from 1 (next), and the seconds until it probably starts; None = not known yet."""

    position: int
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class _InFront:
    owner: str
    work: Work


@dataclass(frozen=True, slots=True)
class _Running:
    owner: str
    work: Work
    started_at: datetime


def position(job: Job) -> Position | None:
    """Return the place in line of a queued job; None once it is not queued any more."""
    job_now = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).first()
    if job_now is None:
        return None
    in_front = _in_front(job_now)
    if in_front is None:
        return None
    return Position(len(in_front) + 1, _wait_s(job_now, in_front))


def places(jobs: Sequence[Job]) -> dict[Job, Position]:
    """Return the places in line of many jobs of one queue; those that started are left out.

    Asks a fixed number of questions for each priority and owner among them, however long the line is. Times
    are told where all that waits is of one kind, as files are.
    """
    found: dict[Job, Position] = {}
    for priority in sorted({job.priority for job in jobs}):
        group = [job for job in jobs if job.priority == priority]
        found |= _places(group[0].queue, priority, group)
    return _timed(found, jobs[0].queue) if found else found


def _timed(found: Mapping[Job, Position], queue: str) -> dict[Job, Position]:
    works: set[Work] = set(line.waiting_in(queue).order_by().values_list("kind", "engine").distinct())
    running = _running(queue)
    usual_s = _usual_s({one.work for one in running} | works)
    free_in_s = _free_in_s(running, usual_s)
    takes_s = usual_s.get(next(iter(works))) if len(works) == 1 else None
    if takes_s is None or (running and not free_in_s) or queue == line.CAPPED_QUEUE:
        return dict(found)
    return {
        job: Position(
            place.position, round(fairness.expected_wait_s([takes_s] * (place.position - 1), free_in_s), 1)
        )
        for job, place in found.items()
    }


def _places(queue: str, priority: int, jobs: Sequence[Job]) -> dict[Job, Position]:
    waiting = line.waiting_in(queue)
    urgent = waiting.filter(priority__lt=priority).count()
    equals = waiting.filter(priority=priority)
    interrupted = list(_in_order(equals.filter(attempt__gt=0)))
    fresh = equals.filter(attempt=0)
    claimants = line.claimants(queue, priority, fresh, line.running_in(queue))
    found: dict[Job, Position] = {}
    for owner in {job.owner for job in jobs}:
        newest = max(job.created_at for job in jobs if job.owner == owner)
        mine = {pk: at for at, pk in enumerate(_in_order(fresh.filter(owner=owner, created_at__lte=newest)))}
        for job in jobs:
            if job.pk in interrupted:
                found[job] = Position(urgent + interrupted.index(job.pk) + 1, None)
            elif job.owner == owner and owner in claimants and job.pk in mine:
                before = sum(fairness.ahead(claimants, owner, mine[job.pk]).values())
                found[job] = Position(urgent + len(interrupted) + before + 1, None)
    return found


def _in_order(jobs: QuerySet[Job]) -> QuerySet[Job, UUID]:
    return jobs.order_by("created_at", "pk").values_list("pk", flat=True)


def room_in_s(queue: str) -> float | None:
    """Return the seconds until the next job of a queue starts, and its place is free; None = not known."""
    running = _running(queue)
    free_in_s = _free_in_s(running, _usual_s({one.work for one in running}))
    return round(min(free_in_s), 1) if free_in_s else None


def _in_front(job: Job) -> list[_InFront] | None:
    """List the jobs that start before this one, roughly in their order; None once it waits no more."""
    waiting = line.waiting_in(job.queue)
    listed = _listed(waiting.filter(priority__lt=job.priority))
    equals = waiting.filter(priority=job.priority)
    older = Q(created_at__lt=job.created_at) | Q(created_at=job.created_at, pk__lt=job.pk)
    interrupted = equals.filter(attempt__gt=0)
    if job.attempt:
        return listed + _listed(interrupted.filter(older))
    fresh = equals.filter(attempt=0)
    before = fresh.filter(older, owner=job.owner).count()
    claimants = line.claimants(job.queue, job.priority, fresh, line.running_in(job.queue))
    if job.owner not in claimants:  # claimed or stopped since it was read
        return None
    left = Counter(fairness.ahead(claimants, job.owner, before))
    listed += _listed(interrupted)
    for one in _listed(fresh):
        if left[one.owner] > 0:
            left[one.owner] -= 1
            listed.append(one)
    return listed


def _listed(jobs: QuerySet[Job]) -> list[_InFront]:
    rows = jobs.order_by("priority", "created_at", "pk").values_list("owner", "kind", "engine")
    return [_InFront(owner, (kind, engine)) for owner, kind, engine in rows]


def _running(queue: str) -> list[_Running]:
    running = Job.objects.filter(queue=queue, state=JobState.RUNNING, started_at__isnull=False)
    rows = running.values_list("owner", "kind", "engine", "started_at")
    return [_Running(owner, (kind, engine), at) for owner, kind, engine, at in rows if at]


def _wait_s(job: Job, in_front: Sequence[_InFront]) -> float | None:
    """Return the seconds until the job starts; None while something in front of it was never measured."""
    running = _running(job.queue)
    usual_s = _usual_s({one.work for one in running} | {one.work for one in in_front})
    free_in_s = _free_in_s(running, usual_s)
    if (running and not free_in_s) or any(one.work not in usual_s for one in in_front):
        return None
    wait_s = fairness.expected_wait_s([usual_s[one.work] for one in in_front], free_in_s)
    if job.queue == line.CAPPED_QUEUE and job.owner:
        wait_s = max(wait_s, _own_wait_s(job.owner, in_front, running, usual_s))
    return round(wait_s, 1)


def _own_wait_s(
    owner: str, in_front: Sequence[_InFront], running: Sequence[_Running], usual_s: Mapping[Work, float]
) -> float:
    """Return the seconds until the owner may run one more, whatever is free then."""
    free_in_s = _free_in_s([one for one in running if one.owner == owner], usual_s)
    free_in_s += [0.0] * max(0, settings.MAX_REPLIES_PER_USER - len(free_in_s))
    mine = [usual_s[one.work] for one in in_front if one.owner == owner]
    return fairness.expected_wait_s(mine, free_in_s)


def _free_in_s(running: Iterable[_Running], usual_s: Mapping[Work, float]) -> list[float]:
    """Return when each running job probably ends; nobody counts on those that were never measured."""
    now = timezone.now()
    return [
        fairness.left_s(usual_s[one.work], (now - one.started_at).total_seconds())
        for one in running
        if one.work in usual_s
    ]


def _usual_s(works: Iterable[Work]) -> dict[Work, float]:
    """Return what the last jobs of each took, on average; those never measured are left out."""
    usual = {}
    taken = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    for kind, engine in sorted(works):
        done = Job.objects.filter(
            kind=kind, engine=engine, state=JobState.DONE, finished_at__gt=timezone.now() - MEASURED_WITHIN
        )
        newest = done.order_by("-finished_at").annotate(taken=taken)
        recent: list[timedelta] = list(newest.values_list("taken", flat=True)[:RECENT])
        if recent:
            usual[kind, engine] = sum(one.total_seconds() for one in recent) / len(recent)
    return usual
