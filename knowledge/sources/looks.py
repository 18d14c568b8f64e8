"""When sources are looked at: at once, on their schedule, and never twice at the same time."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation

from jobs import queue as job_queue
from jobs import worker
from jobs.errors import LeaseLost
from jobs.models import Job, JobState
from jobs.worker import Lease
from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.models import Source
from knowledge.sources.errors import RunFailed, RunLost, RunStopped
from knowledge.sources.findings import Tally
from knowledge.sources.syncing import sync

JOB_KIND = "source"
MOST_DUE = 50  # enqueued by one sweep
LIVE = (JobState.QUEUED, JobState.RUNNING)

logger = logging.getLogger(__name__)


def live_jobs(sources: list[Source]) -> dict[int, Job]:
    """Return the job that looks at each of these sources, or is about to."""
    subjects = [str(source.pk) for source in sources]
    jobs = Job.objects.filter(kind=JOB_KIND, subject__in=subjects, state__in=LIVE)
    return {int(job.subject): job for job in jobs.order_by("created_at")}


def look_now(source: Source) -> bool:
    """Have a source looked at; False when somebody does already, or it is gone."""
    with transaction.atomic():
        locked = Source.objects.select_for_update().filter(pk=source.pk).first()
        if locked is None or live_jobs([locked]):
            return False
        owner = f"u:{locked.created_by_id}" if locked.created_by_id else ""
        job_queue.enqueue(JOB_KIND, str(locked.pk), owner=owner)
    return True


def stop(source: Source) -> None:
    """Stop looking at a source; a look that waits ends at once, one that runs within a second."""
    for job in _live(source):
        if worker.cancel(job.pk) == JobState.CANCELLED:
            _keep(source.pk, None, RunStopped())


def _live(source: Source) -> QuerySet[Job]:
    return Job.objects.filter(kind=JOB_KIND, subject=str(source.pk), state__in=LIVE)


def enqueue_due() -> None:
    """Have the sources looked at whose time has come; called every few seconds, on every machine."""
    now = timezone.now()
    due = Source.objects.filter(is_active=True, refresh_hours__gt=0, next_run_at__lte=now)
    for source in due.order_by("next_run_at")[:MOST_DUE]:
        is_mine = Source.objects.filter(pk=source.pk, next_run_at=source.next_run_at).update(
            next_run_at=next_time(source, now)
        )
        if is_mine:
            look_now(source)


def next_time(source: Source, now: datetime) -> datetime | None:
    """Return when a source is looked at again."""
    if not (source.is_active and source.refresh_hours):
        return None
    return now + timedelta(hours=source.refresh_hours)


def run_look(lease: Lease) -> JobState:
    """Look at the job's source. Raises: LeaseLost."""
    source = Source.objects.select_related("collection", "created_by").filter(pk=lease.job.subject).first()
    if source is None:
        return JobState.CANCELLED
    try:
        tally = sync(source, lease)
    except LeaseLost:
        raise
    except RunStopped as error:
        _keep(source.pk, None, error)
        return JobState.CANCELLED
    except KnowledgeError as error:
        logger.info("source %s not looked at to its end: %s", source.pk, error)
        _keep(source.pk, None, error)
        return JobState.FAILED
    except Exception:  # the edge of the room: a person gets a sentence, the log the traceback
        logger.exception("source %s not looked at to its end", source.pk)
        _keep(source.pk, None, RunFailed())
        return JobState.FAILED
    _keep(source.pk, tally, None)
    return JobState.DONE


def end_look(job: Job) -> None:
    """Say on the source of a job that its worker died, or that it was stopped meanwhile."""
    _keep(int(job.subject), None, RunStopped() if job.state == JobState.CANCELLED else RunLost())


def _keep(source_id: int, tally: Tally | None, error: KnowledgeError | None) -> None:
    """Write down how a look ended, and when the next one is."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        return
    now = timezone.now()
    source.last_run_at, source.next_run_at = now, next_time(source, now)
    source.error_code = error.code if error else ""
    with translation.override(settings.LANGUAGE_CODE):
        source.error_message = error.user_message if error else ""
    if tally is not None:
        source.outcome = {**tally.counts, "is_complete": tally.is_complete}
    source.save(update_fields=["last_run_at", "next_run_at", "error_code", "error_message", "outcome"])


def pause(source: Source, *, is_active: bool) -> None:
    """Look no more on a schedule, or again from now on."""
    source.is_active = is_active
    source.next_run_at = next_time(source, timezone.now())
    source.save(update_fields=["is_active", "next_run_at"])


def delete_source(source: Source, *, with_documents: bool) -> None:
    """Follow a source no longer; its documents stay unless they are to go with it.

    Raises: IndexUnavailable; those documents are marked then, and a repair finishes them.
    """
    stop(source)
    with transaction.atomic():
        Source.objects.select_for_update().filter(pk=source.pk).first()  # a look adds nothing from here on
        documents = list(source.documents.select_related("collection")) if with_documents else []
        source.delete()
    failure: KnowledgeError | None = None
    for document in documents:
        try:
            ingest.delete_document(document)
        except KnowledgeError as error:
            failure = error
    if failure is not None:
        raise failure
