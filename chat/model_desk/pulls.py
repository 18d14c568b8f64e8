"""Downloads of models as jobs: start, run, stop, and how they stand.

The row of a job holds how far it is, in kB; its log where it began and the sentence of a failure.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat.model_desk import telling
from inference import conf, pulling
from inference.abilities import ANY_DEVICE, ability
from inference.catalogue import Model, catalogue
from inference.chosen import models_dir
from inference.pull import Progress
from inference.pull_errors import PullError, PullImpossible, PullStopped
from jobs import queue, worker
from jobs.errors import LogUnavailable
from jobs.log import get_log
from jobs.models import Job, JobState
from jobs.worker import Lease

KIND: Final = "model_pull"
KB: Final = 1000
REPORT_EVERY_S: Final = 0.4
SHOWN_FOR: Final = timedelta(hours=1)  # a pull that failed or was stopped
MEASURABLE_S: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pull:
    """How the newest pull of a model stands. Units: kB. eta_s, kb_per_s: None = not known yet."""

    job: Job
    engine: str
    model_id: str
    sentence: str = ""
    detail: str = ""
    kb_per_s: float | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether something is still going to happen."""
        return not self.job.is_over

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return self.is_under_way and self.job.is_cancel_requested

    @property
    def is_queued(self) -> bool:
        """Whether it waits for a worker."""
        return self.job.state == JobState.QUEUED

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error."""
        return self.job.state == JobState.FAILED

    @property
    def percent(self) -> int:
        """How much of it is here."""
        total = self.job.progress_total
        return min(100, self.job.progress_done * 100 // total) if total else 0

    @property
    def done_bytes(self) -> int:
        """How much of it is here."""
        return self.job.progress_done * KB

    @property
    def total_bytes(self) -> int:
        """How much it is; 0 = not known yet."""
        return self.job.progress_total * KB

    @property
    def bytes_per_s(self) -> float | None:
        """How fast it comes."""
        return self.kb_per_s * KB if self.kb_per_s else None

    @property
    def eta_min(self) -> int | None:
        """Minutes to go, rounded up."""
        if not self.kb_per_s:
            return None
        return int((self.job.progress_total - self.job.progress_done) / self.kb_per_s // 60) + 1


def can_pull(model: Model, engine: str) -> bool:
    """Whether this page can fetch a model for an engine of this site, on this machine."""
    if engine not in pulling.ENGINES or engine not in conf.KINDS or not ability(model, engine).can_run:
        return False
    if engine == "ollama":
        return settings.OLLAMA_URL not in {"", conf.OFF}
    return engine != "onnx" or bool(model.onnx_for(pulling.CPU) or model.onnx_for(ANY_DEVICE))


def start_pull(model: Model, engine: str, *, owner: str) -> Job:
    """Queue a pull, or give the one that is under way. Raises: PullImpossible."""
    if not can_pull(model, engine):
        raise PullImpossible(f"{model.id} cannot be pulled for {engine} from this page.")
    subject = f"{engine}:{model.id}"
    waiting = Job.objects.filter(
        kind=KIND, subject=subject, state__in=[JobState.QUEUED, JobState.RUNNING], is_cancel_requested=False
    ).first()
    return waiting or queue.enqueue(KIND, subject, owner=owner)


def stop_pull(model: Model) -> None:
    """Ask the pulls of a model to stop; what is here is kept."""
    subjects = [f"{engine}:{model.id}" for engine in pulling.ENGINES]
    under_way = Job.objects.filter(
        kind=KIND, subject__in=subjects, state__in=[JobState.QUEUED, JobState.RUNNING]
    )
    for job_id in under_way.values_list("pk", flat=True):
        worker.cancel(job_id)


def newest_pulls(model_id: str = "") -> dict[str, Pull]:
    """Return the newest pull of each model, by its id: under way, or over and worth a word."""
    jobs = Job.objects.filter(kind=KIND).order_by("-created_at")
    if model_id:
        jobs = jobs.filter(subject__in=[f"{engine}:{model_id}" for engine in pulling.ENGINES])
    pulls: dict[str, Pull] = {}
    for job in jobs[:100]:
        engine, _colon, name = job.subject.partition(":")
        if name not in pulls and (not job.is_over or _is_recent(job)):
            pulls[name] = _pull(job, engine, name)
    return pulls


def _is_recent(job: Job) -> bool:
    return job.finished_at is not None and job.finished_at > timezone.now() - SHOWN_FOR


def _pull(job: Job, engine: str, model_id: str) -> Pull:
    if job.state == JobState.FAILED:
        detail = str(_event(job.pk, "failed").get("sentence", ""))
        return Pull(job, engine, model_id, telling.sentence(job.error_code), detail)
    if job.state == JobState.RUNNING:
        return Pull(job, engine, model_id, kb_per_s=_speed(job))
    return Pull(job, engine, model_id)


def _speed(job: Job) -> float | None:
    began = _event(job.pk, "began")
    at, done = began.get("at"), began.get("done_kb")
    if not isinstance(at, float) or not isinstance(done, int):
        return None
    taken_s = time.time() - at
    grown = job.progress_done - done
    return grown / taken_s if taken_s > MEASURABLE_S and grown > 0 else None


def _key(job_id: UUID) -> str:
    return f"pull:{job_id}"


def _event(job_id: UUID, kind: str) -> dict[str, object]:
    """Return the last event of a kind in the job's log, empty where there is none any more."""
    try:
        entries = get_log().replay(_key(job_id))
    except LogUnavailable:
        return {}
    return next((dict(entry.event) for entry in reversed(entries) if entry.event.get("type") == kind), {})


def _note(lease: Lease, event: dict[str, object]) -> None:
    """Write to the log what is nice to know; without it the pull goes on all the same."""
    try:
        get_log().append(_key(lease.job.pk), lease.job.attempt, [event])
    except LogUnavailable as exc:
        logger.warning("%s: not noted: %s", lease.job, exc)


def run_pull(lease: Lease) -> JobState:
    """Fetch the model of a claimed job. Raises: PullError, EngineError, LeaseLost."""
    engine, _colon, model_id = lease.job.subject.partition(":")
    reporter = _Reporter(lease)
    try:
        pulling.pull(
            pulling.Order(catalogue().find(model_id), engine),
            models_dir(),
            settings.OLLAMA_URL,
            on_progress=reporter.report,
            should_stop=lease.should_stop,
        )
    except PullStopped:
        return JobState.CANCELLED
    except PullError as exc:
        if lease.should_stop():
            return JobState.CANCELLED
        _note(lease, {"type": "failed", "sentence": exc.user_message})
        raise
    finally:
        _close(lease)
    return JobState.DONE


def _close(lease: Lease) -> None:
    try:
        get_log().close(_key(lease.job.pk))
    except LogUnavailable as exc:
        logger.warning("%s: its log stays open: %s", lease.job, exc)


def end_pull(job: Job) -> None:
    """Nothing more to say of a pull whose worker died: its row says it all."""


class _Reporter:
    """Passes progress on to the job's row, a few times a second at most."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._told_at = 0.0
        self._has_begun = False

    def report(self, progress: Progress) -> None:
        """Store how far it is. Raises: LeaseLost."""
        now = time.monotonic()
        if now - self._told_at < REPORT_EVERY_S and progress.done_bytes < progress.total_bytes:
            return
        self._told_at = now
        done, total = progress.done_bytes // KB, max(1, progress.total_bytes // KB)
        if not self._has_begun and progress.total_bytes:
            self._has_begun = True
            _note(self._lease, {"type": "began", "at": time.time(), "done_kb": done})
        self._lease.report_progress(done, total)
