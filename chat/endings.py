"""End replies that nobody writes any more: stopped before their start, or lost with their workers."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation

from chat import failures
from chat.errors import Internal
from chat.events import TimingsItem
from chat.models import Message, MessageStatus
from chat.writer import ReplyWriter
from inference.types import FinishReason, Usage
from jobs.errors import LeaseLost
from jobs.models import Job, JobState

logger = logging.getLogger(__name__)

WORKER_LOST = "worker_lost"
STALE_AFTER = timedelta(seconds=10)


def fail_turn(job: Job) -> None:
    """End the reply of a job that ended without it; the question and what was written stay."""
    reply = Message.objects.filter(pk=job.subject, status=MessageStatus.PENDING).first()
    if reply is None:
        return
    if job.state == JobState.CANCELLED:
        stop_unattended(reply)
        return
    with translation.override(reply.language or None):
        try:
            writer = ReplyWriter(reply, attempt=max(job.attempt, reply.attempt, 1))
            writer.recover()
            code = WORKER_LOST if job.error_code == WORKER_LOST else Internal.code
            writer.fail(code, failures.sentence(code), is_retryable=True)
        except LeaseLost:
            logger.info("reply %s was over already", reply.pk)


def stop_unattended(reply: Message) -> None:
    """End a reply that was stopped while no worker had it; what was written stays."""
    try:
        writer = ReplyWriter(reply, attempt=max(1, reply.attempt))
        writer.recover()
        writer.finish(FinishReason.CANCELLED, Usage(), no_timings(), engine="", model="")
    except LeaseLost:
        logger.info("reply %s was over already", reply.pk)


def end_stale_turns() -> int:
    """End replies whose job is over, or gone: a process died between the two. Return how many."""
    open_jobs = Job.objects.filter(pk=OuterRef("job"), state__in=[JobState.QUEUED, JobState.RUNNING])
    ended_lately = Job.objects.filter(pk=OuterRef("job"), finished_at__gt=timezone.now() - STALE_AFTER)
    is_begun = Q(job=None, created_at__gt=timezone.now() - STALE_AFTER)  # an approved answer has no job
    stale = Message.objects.filter(
        ~Exists(open_jobs), ~Exists(ended_lately), ~is_begun, status=MessageStatus.PENDING
    ).order_by("created_at")
    replies = list(stale)
    jobs = Job.objects.in_bulk([reply.job for reply in replies if reply.job])
    for reply in replies:
        job = jobs.get(reply.job) if reply.job else None
        logger.warning("reply %s was left open by a worker that is gone", reply.pk)
        fail_turn(job or Job(subject=str(reply.pk), state=JobState.FAILED, error_code=WORKER_LOST))
    return len(replies)


def no_timings() -> TimingsItem:
    """Return the timings of a reply that was never written."""
    return TimingsItem(queued_s=None, retrieval_s=None, first_token_s=None, total_s=None, tokens_per_s=None)
