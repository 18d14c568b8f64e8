"""Work that takes time: replies, ingestion, summaries, downloads. One row a job; the table is the queue."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class JobState(models.TextChoices):
    """Where a job stands. Only queued and running jobs change."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(models.Model):
    """One piece of work.

    kind: a key of settings.JOB_KINDS, which names its queue, handler and priority.
    owner: who it is done for, the unit of fairness: "u:<id>", "g:<guest key>" or "" for the site.
    subject: id of the row it works on, in whatever form its handler understands.
    engine: what writes it, as far as that tells how long it takes; "" where nothing but the kind does.
    attempt: how often it was claimed; lease_until: when a silent worker counts as dead.
    progress_done / progress_total: in units of the kind (pages, chunks, bytes); total 0 = unknown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=32)
    queue = models.CharField(max_length=32)
    priority = models.PositiveSmallIntegerField(default=50)
    owner = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=80)
    engine = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    is_cancel_requested = models.BooleanField(default=False)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Indexes follow what is asked all the time: what is next, whose lease is over, how long it takes."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["queue", "state", "priority", "created_at"], name="job_next"),
            models.Index(fields=["state", "lease_until"], name="job_lease"),
            models.Index(fields=["kind", "subject"], name="job_subject"),
            models.Index(fields=["owner", "state"], name="job_owner"),
            models.Index(fields=["kind", "engine", "-finished_at"], name="job_speed"),
        ]

    def __str__(self) -> str:
        """Name kind, subject and state."""
        return f"{self.kind} {self.subject} ({self.state})"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}
