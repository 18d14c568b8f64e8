"""The verbs of a stored summary: ask for one, write it step by step, stop it.

Each step is a job of its own: one call to the engine, of a lower priority than any reply. Between two steps
the worker takes whatever matters more, and a step gives its place up as soon as somebody waits for it. What
was read so far stays on the row, so a worker that dies loses one step.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone

from inference.conf import get_engine
from inference.engines.base import Engine
from inference.errors import EngineError
from jobs import giving_way, worker
from jobs import queue as job_queue
from jobs.errors import LeaseLost
from jobs.models import Job, JobState
from knowledge.errors import Internal, ProcessingStopped, WorkerLost
from knowledge.models import Chunk, Collection, Document, Summary
from knowledge.summaries import work as working
from knowledge.summaries.material import Material, of_collection, of_document
from knowledge.summaries.notes import Note
from knowledge.summaries.steps import Step
from knowledge.summaries.work import Work

if TYPE_CHECKING:
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "summary"
NOTHING_TO_SAY: Final = "nothing_to_say"
LOOK_S: Final = 0.3  # how often a running step looks whether somebody waits


def request_summary(subject: Document | Collection) -> Summary:
    """Queue a summary; one that is being made already goes on."""
    of = {"document": subject} if isinstance(subject, Document) else {"collection": subject}
    with transaction.atomic():
        summary, _is_new = Summary.objects.get_or_create(**of)
        summary = Summary.objects.select_for_update().get(pk=summary.pk)
        if live_job(summary) is None:
            summary.error_code = ""
            summary.save(update_fields=["error_code"])
            _queue_step(summary)
    summary.refresh_from_db()
    return summary


def stop_summary(summary: Summary) -> None:
    """Stop making a summary; the one there was stays."""
    job = live_job(summary)
    if job is not None and worker.cancel(job.pk) == JobState.CANCELLED:
        _fail(summary.pk, job, ProcessingStopped.code)


def live_job(summary: Summary) -> Job | None:
    """Return the job that makes it, waiting or running."""
    if summary.job is None:
        return None
    return Job.objects.filter(pk=summary.job, state__in=[JobState.QUEUED, JobState.RUNNING]).first()


def write_summary(lease: "Lease") -> JobState:
    """Do the next step of the job's summary. Raises: LeaseLost, EngineError."""
    summary = Summary.objects.filter(pk=lease.job.subject, job=lease.job.pk).first()
    if summary is None:  # deleted with its document, or another job has gone on with it
        return JobState.CANCELLED
    try:
        _do_step(summary, lease)
    except ProcessingStopped:
        _fail(summary.pk, lease.job, ProcessingStopped.code)
        return JobState.CANCELLED
    except EngineError as exc:
        logger.warning("summary %s: %s: %s", summary.pk, exc.code, exc)
        _fail(summary.pk, lease.job, exc.code)
        return JobState.FAILED
    return JobState.DONE


def fail_summary(job: Job) -> None:
    """Note why the summary of a job that ended for good is not there."""
    summary = Summary.objects.filter(pk=job.subject, job=job.pk).first()
    if summary is None:
        return
    if job.state == JobState.CANCELLED:
        code = ProcessingStopped.code
    else:
        code = WorkerLost.code if job.error_code == WorkerLost.code else Internal.code
    _fail(summary.pk, job, code)


def _do_step(summary: Summary, lease: "Lease") -> None:
    engine = get_engine()
    material = _material(summary)
    if not material.notes:
        _save(summary, lease.job, {"text": "", "passages": [], "work": {}, "error_code": NOTHING_TO_SAY})
        return
    engine.load()
    work = working.load(summary.work, material) or working.begin(material, engine)
    lease.report_progress(work.done, work.total)
    stopper = _Stopper(lease)
    try:
        written = Step(work, material, engine).run(stopper)
    except ProcessingStopped:
        if not stopper.gives_way:
            raise
        with transaction.atomic():  # done once more, after whoever waits
            _save(summary, lease.job, {"work": work.item})
            _queue_step(summary, lease.job)
        return
    work = replace(work, left_out=work.left_out + written.left_out)
    if work.is_final:
        _finish(summary, lease.job, material, written.note, work, _writer(engine, work, written.by_model))
        return
    work = working.advance(work, written.note, material, engine, by_model=written.by_model)
    with transaction.atomic():
        _save(summary, lease.job, {"work": work.item})
        _queue_step(summary, lease.job)


def _material(summary: Summary) -> Material:
    if summary.document is not None:
        return of_document(summary.document)
    assert summary.collection is not None
    return of_collection(summary.collection)


def _writer(engine: Engine, work: Work, by_model: bool) -> tuple[str, str]:
    """Name who wrote it: a model where it wrote any of it."""
    return (engine.name, engine.model) if by_model or work.by_model else (working.WRITES_NOTHING, "")


class _Stopper:
    """Tells a step to stop: because it was asked to, or because somebody waits for its place."""

    def __init__(self, lease: "Lease") -> None:
        self._lease = lease
        self._looked_at = time.monotonic()
        self._waited = False
        self.gives_way = False

    def __call__(self) -> bool:
        """Say whether to stop now. Raises: LeaseLost."""
        if self._lease.should_stop():
            return True
        if not self.gives_way and time.monotonic() - self._looked_at >= LOOK_S:
            self._looked_at = time.monotonic()
            self._look()
        return self.gives_way

    def _look(self) -> None:
        """Give way to whoever waits at two looks running: one that was just sent has found a free place."""
        try:
            waits = giving_way.somebody_waits(self._lease.job)
        finally:
            close_old_connections()  # an engine may ask from a thread of its own
        self.gives_way, self._waited = waits and self._waited, waits


def _finish(
    summary: Summary, job: Job, material: Material, note: Note, work: Work, writer: tuple[str, str]
) -> None:
    cited = passages(note.sources)
    if len(cited) < len(note.sources):  # deleted while it was read: what it said is not to be kept
        with transaction.atomic():
            _save(summary, job, {"work": {}})
            _queue_step(summary, job)
        return
    values: dict[str, object] = {
        "text": note.text,
        "passages": cited,
        "language": material.language[:12],
        "of": material.of,
        "version": material.version,
        "left_out": work.left_out,
        "engine": writer[0],
        "model": writer[1][:200],
        "made_at": timezone.now(),
        "error_code": "" if note.text else NOTHING_TO_SAY,
        "work": {},
        "job": None,
    }
    _save(summary, job, values)
    logger.info("summary %s written in %s steps", summary.pk, work.done + 1)


def passages(sources: tuple[int, ...]) -> list[dict[str, object]]:
    """Describe the chunks a summary cites, in order: what its [n] lead to."""
    chunks = Chunk.objects.select_related("document").in_bulk(sources)
    return [
        {
            "chunk": pk,
            "document": str(chunks[pk].document_id),
            "title": str(chunks[pk].document),
            "heading": chunks[pk].heading,
            "page": chunks[pk].page,
            "sha256": chunks[pk].sha256,
        }
        for pk in sources
        if pk in chunks
    ]


def _queue_step(summary: Summary, job: Job | None = None) -> None:
    """Queue the next step in place of this job's. Raises: LeaseLost."""
    following = job_queue.enqueue(JOB_KIND, str(summary.pk), engine=settings.ENGINE)
    _save(summary, job, {"job": following.pk})


def _save(summary: Summary, job: Job | None, values: Mapping[str, object]) -> None:
    """Change the row as long as the job is the one that writes it. Raises: LeaseLost."""
    mine = Summary.objects.filter(pk=summary.pk)
    if job is not None:
        mine = mine.filter(job=job.pk)
    if not mine.update(**values):
        raise LeaseLost(f"summary {summary.pk}")


def _fail(summary_id: int, job: Job, code: str) -> None:
    Summary.objects.filter(pk=summary_id, job=job.pk).update(error_code=code, job=None)
