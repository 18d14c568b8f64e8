"""Deleting many documents: unreadable at once, taken out of the stores by a job."""

import logging
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet

from jobs import queue as job_queue
from jobs.models import Job, JobState
from knowledge.errors import IndexUnavailable
from knowledge.models import Document, DocumentStatus
from knowledge.removal import delete_document, mark_deleting

if TYPE_CHECKING:
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "removal"
SUBJECT: Final = "documents"


def delete_later(documents: QuerySet[Document]) -> None:
    """Mark documents as deleting, which nothing answers from, and have a job do the rest."""
    with transaction.atomic():
        mark_deleting(documents)
        if not Job.objects.filter(kind=JOB_KIND, state=JobState.QUEUED).exists():
            job_queue.enqueue(JOB_KIND, SUBJECT)


def run_removal(lease: "Lease") -> JobState:
    """Delete every document that is marked, also what an earlier deletion left. Raises: LeaseLost."""
    marked = list(Document.objects.filter(status=DocumentStatus.DELETING).select_related("collection"))
    for done, document in enumerate(marked, start=1):
        if lease.should_stop():
            return JobState.CANCELLED
        try:
            delete_document(document)
        except IndexUnavailable as error:  # it stays marked; the next removal or `reconcile` goes on
            logger.warning("%s is not deleted yet: %s", document.pk, error)
            return JobState.FAILED
        lease.report_progress(done, len(marked))
    return JobState.DONE


def end_removal(job: Job) -> None:
    """What is left stays marked, answers nothing, and goes with the next removal."""
    logger.warning("documents are left to delete: %s", job)
