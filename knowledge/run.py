"""One reading of one document: who may go on, how far it is, what the pages are told.

A run writes only while it holds both the job (no other worker took it) and the document (nobody
deleted it). `hold` asks for both inside the caller's transaction, so that rows are never written
for a document that is going away.
"""

import time
from typing import Protocol

from django.utils import timezone

from knowledge.errors import DocumentLost, ProcessingStopped
from knowledge.models import Document, DocumentStatus

REPORT_EVERY_S = 0.5
UNDER_WAY = (DocumentStatus.QUEUED, DocumentStatus.PARSING, DocumentStatus.EMBEDDING)


class Watch(Protocol):
    """Who may stop a run; a `jobs.worker.Lease` is one."""

    def should_stop(self) -> bool:
        """Say whether to stop now. Raises: LeaseLost."""
        ...

    def report_progress(self, done: int, total: int) -> None:
        """Store how far the job is. Raises: LeaseLost."""
        ...


class Unwatched:
    """The watch of a run without a job, which nobody stops."""

    def should_stop(self) -> bool:
        """Never stop."""
        return False

    def report_progress(self, done: int, total: int) -> None:
        """Tell nobody."""


class Run:
    """One reading of one document."""

    def __init__(self, document: Document, watch: Watch) -> None:
        """Bind document and watch; `enter` begins."""
        self.document = document
        self._watch = watch
        self._status = DocumentStatus(document.status)
        self._reported_at = 0.0
        self._done = self._total = 0

    def enter(self, status: DocumentStatus, total: int = 0) -> None:
        """Begin a stage. Raises: DocumentLost, ProcessingStopped, LeaseLost."""
        self.check()
        self._status = status
        self._done, self._total = 0, total
        self.hold(among=UNDER_WAY)
        self.document.status = status

    def check(self) -> None:
        """Go on or stop. Raises: ProcessingStopped, LeaseLost."""
        if self._watch.should_stop():
            raise ProcessingStopped(str(self.document.pk))

    def report(self, done: int, total: int | None) -> None:
        """Tell job and pages how far it is, at most twice a second.

        Raises: DocumentLost, ProcessingStopped, LeaseLost.
        """
        self.check()
        self._done, self._total = done, total or 0
        if time.monotonic() - self._reported_at >= REPORT_EVERY_S:
            self.hold()

    def hold(self, among: tuple[DocumentStatus, ...] | None = None) -> None:
        """Make sure that job and document are still ours, and store the progress.

        Raises: DocumentLost, LeaseLost.
        """
        self._watch.report_progress(self._done, self._total)
        ours = Document.objects.filter(pk=self.document.pk, status__in=among or (self._status,))
        if not ours.update(
            status=self._status,
            progress_done=self._done,
            progress_total=self._total,
            updated_at=timezone.now(),
        ):
            raise DocumentLost(str(self.document.pk))
        self._reported_at = time.monotonic()
