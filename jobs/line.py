"""Who waits and who runs, as the rows tell it: what the queue and the places in line are worked out from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Min, QuerySet

from jobs.fairness import Claimant
from jobs.models import Job, JobState

CAPPED_QUEUE: Final = "inference"  # here an owner runs MAX_REPLIES_PER_USER jobs at once at most


def waiting_in(queue: str) -> QuerySet[Job]:
    """Give the jobs that wait and were not asked to stop."""
    return Job.objects.filter(queue=queue, state=JobState.QUEUED, is_cancel_requested=False)


def running_in(queue: str) -> dict[str, int]:
    """Count the running jobs of each owner."""
    running = Job.objects.filter(queue=queue, state=JobState.RUNNING)
    return dict(running.values_list("owner").annotate(Count("pk")))


def claimants(
    queue: str, priority: int, waiting: QuerySet[Job], running: Mapping[str, int]
) -> dict[str, Claimant]:
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
        owner: Claimant(owner, count, running.get(owner, 0), since, last.get(owner))
        for owner, count, since in rows
    }
