"""A trial of a draft: ask all golden questions of it and of what is live, then apply the gate's rules.

A job in the background. What is live never changes, so what came of it is kept and asked for once.
"""

import logging
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from jobs import queue as job_queue
from jobs import worker
from jobs.models import Job, JobState
from knowledge.errors import Internal, KnowledgeError, WorkerLost
from knowledge.golden.asking import ask
from knowledge.golden.comparing import compare
from knowledge.models import Collection, GoldenQuestion, GoldenResult, GoldenRun
from knowledge.releases.changes import changes
from knowledge.releases.document_rules import judge_documents
from knowledge.releases.findings import to_json
from knowledge.releases.fingerprint import fingerprint
from knowledge.releases.golden_rules import judge_golden
from knowledge.releases.pairs import load_pairs
from knowledge.releases.probes import MOST
from knowledge.run import Unwatched, Watch
from knowledge.scope import DRAFT, Scope, of

if TYPE_CHECKING:
    from accounts.models import User
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "golden"
CANCELLED: Final = "cancelled"
RULE_STEPS: Final = 60  # about how often the rules of documents report that they go on
KEPT: Final = 20  # runs of a collection


class Stopped(Exception):
    """Somebody stopped the run."""


class _Steps:
    """Counts what is done, tells the job, and stops when asked to."""

    def __init__(self, watch: Watch, total: int) -> None:
        self._watch, self._total, self._done = watch, total, 0

    def __call__(self) -> None:
        """Begin the next step. Raises: Stopped, LeaseLost."""
        if self._watch.should_stop():
            raise Stopped
        self._watch.report_progress(min(self._done, self._total), self._total)
        self._done += 1


def start_trial(collection: Collection, *, by: "User | None") -> GoldenRun:
    """Queue a trial of the draft; where one is under way already, return it."""
    with transaction.atomic():
        Collection.objects.select_for_update().get(pk=collection.pk)
        if running := unfinished(collection):
            return running
        run = GoldenRun.objects.create(collection=collection, created_by=by)
        job_queue.enqueue(JOB_KIND, str(run.pk), owner=f"u:{by.pk}" if by else "")
    return run


def try_now(collection: Collection, *, by: "User | None" = None) -> GoldenRun:
    """Run a trial in this thread. Raises: KnowledgeError."""
    run = GoldenRun.objects.create(collection=collection, created_by=by)
    _run(run, Unwatched())
    return run


def unfinished(collection: Collection) -> GoldenRun | None:
    """The trial that waits or runs."""
    return collection.golden_runs.filter(release=None, finished_at=None).first()


def stop_trial(run: GoldenRun) -> None:
    """Stop a run: a waiting one, or one whose job is gone, at once, a running one within a step."""
    states = [worker.cancel(job.pk) for job in job_of(run)]
    if all(state == JobState.CANCELLED for state in states):
        _finish(run, CANCELLED)


def job_of(run: GoldenRun) -> list[Job]:
    """The job of a run, while it lives."""
    live = Job.objects.filter(kind=JOB_KIND, state__in=[JobState.QUEUED, JobState.RUNNING])
    return list(live.filter(subject=str(run.pk)))


def run_trial(lease: "Lease") -> JobState:
    """Run the job's trial. Raises: LeaseLost."""
    run = GoldenRun.objects.select_related("collection__release").filter(pk=int(lease.job.subject)).first()
    if run is None or run.finished_at:
        return JobState.CANCELLED
    _clear(run)
    try:
        _run(run, lease)
    except Stopped:
        _finish(run, CANCELLED)
        return JobState.CANCELLED
    except KnowledgeError as error:
        logger.warning("golden run %s failed: %s", run.pk, error)
        _finish(run, error.code)
        return JobState.FAILED
    except (DatabaseError, ObjectDoesNotExist):
        if _is_there(run):
            raise
        logger.info("golden run %s ended with its collection", run.pk)
        return JobState.CANCELLED
    return JobState.DONE if _is_there(run) else JobState.CANCELLED


def _clear(run: GoldenRun) -> None:
    """Take away what an attempt that died left."""
    run.results.all().delete()
    run.collection.golden_runs.filter(release__isnull=False, finished_at=None).delete()


def end_trial(job: Job) -> None:
    """Close the run of a job that failed for good or was stopped while nobody worked on it."""
    if run := GoldenRun.objects.filter(pk=int(job.subject), finished_at=None).first():
        lost = WorkerLost.code if job.error_code == job_queue.WORKER_LOST else Internal.code
        _finish(run, CANCELLED if job.state == JobState.CANCELLED else lost)


def live_run(collection: Collection) -> GoldenRun | None:
    """What came of the golden questions in the published release, if they were asked of it."""
    if collection.release is None:
        return None
    mark = fingerprint(collection, of(collection.release))
    done = collection.golden_runs.filter(finished_at__isnull=False, error_code="", fingerprint=mark)
    return done.first()


def _run(run: GoldenRun, watch: Watch) -> None:
    collection = run.collection
    run.fingerprint = fingerprint(collection, DRAFT)
    run.save(update_fields=["fingerprint"])
    questions = list(collection.golden_questions.filter(is_active=True))
    live = live_run(collection)
    is_asked_live = collection.release is not None and live is None
    step = _Steps(watch, len(questions) * (1 + is_asked_live) + MOST + RULE_STEPS)
    if is_asked_live:
        live = _ask_live(run, questions, step)
    _ask_all(run, questions, DRAFT, step)
    changed = changes(collection)
    checks = judge_golden(compare(run, live))
    checks += judge_documents(collection, changed, load_pairs(collection, changed), step)
    run.checks = to_json(checks)
    _finish(run, "")
    _forget_old(collection)


def _ask_live(run: GoldenRun, questions: list[GoldenQuestion], step: _Steps) -> GoldenRun:
    collection = run.collection
    assert collection.release is not None
    scope = of(collection.release)
    live = GoldenRun.objects.create(
        collection=collection,
        release=collection.release,
        fingerprint=fingerprint(collection, scope),
        created_by=run.created_by,
    )
    try:
        _ask_all(live, questions, scope, step)
    except BaseException:
        live.delete()
        raise
    _finish(live, "")
    return live


def _ask_all(run: GoldenRun, questions: list[GoldenQuestion], scope: Scope, step: _Steps) -> None:
    for question in questions:
        step()
        result: GoldenResult = ask(question, run, run.collection, scope)
        try:
            with transaction.atomic():
                result.save()
        except IntegrityError:
            if not _is_there(run) or GoldenQuestion.objects.filter(pk=question.pk).exists():
                raise
            logger.info("a golden question was deleted while it was asked")


def _is_there(run: GoldenRun) -> bool:
    return GoldenRun.objects.filter(pk=run.pk).exists()


def _finish(run: GoldenRun, error_code: str) -> None:
    run.error_code, run.finished_at = error_code, timezone.now()
    ended = {"checks": run.checks, "error_code": error_code, "finished_at": run.finished_at}
    if not GoldenRun.objects.filter(pk=run.pk).update(**ended):
        logger.info("run %s was deleted with its collection", run.pk)


def _forget_old(collection: Collection) -> None:
    old = collection.golden_runs.filter(finished_at__isnull=False).values_list("pk", flat=True)[KEPT:]
    GoldenRun.objects.filter(pk__in=list(old)).delete()
