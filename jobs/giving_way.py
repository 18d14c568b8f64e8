"""Long work of little importance gives its place to whoever waits for it."""

from django.conf import settings

from jobs import line
from jobs.models import Job


def somebody_waits(job: Job) -> bool:
    """Say whether a job that matters more would run if this one, which runs, gave its place up.

    Owners who run all that they may run at once do not count: they wait for themselves.
    """
    waiting = line.waiting_in(job.queue).filter(priority__lt=job.priority)
    if job.queue == line.CAPPED_QUEUE:
        running = line.running_in(job.queue)
        full = [owner for owner, count in running.items() if owner and count >= settings.MAX_REPLIES_PER_USER]
        waiting = waiting.exclude(owner__in=full)
    return waiting.exclude(kind__in=list(settings.JOB_LIMITS)).exists()
