"""Run jobs: take a slot, claim, call the kind's handler, keep the lease alive, finish.

One keeper thread a process extends the leases of all running jobs and looks for cancel requests.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import close_old_connections
from django.utils.module_loading import import_string

from jobs import queue as job_queue
from jobs.errors import LeaseLost
from jobs.models import Job, JobState
from jobs.slots import Slots

logger = logging.getLogger(__name__)

POLL_S = 0.2
HEARTBEAT_S = 5.0

_leases: dict[UUID, "Lease"] = {}
_leases_lock = threading.Lock()
_keeper: threading.Thread | None = None
_draining = threading.Event()


class Lease:
    """A claimed job in the hands of its handler."""

    def __init__(self, job: Job) -> None:
        """Hold a job that `claim` returned."""
        self.job = job
        self._stop = threading.Event()
        self._lost = threading.Event()

    def should_stop(self) -> bool:
        """Say whether to stop now. Raises: LeaseLost when another worker has the job."""
        if self._lost.is_set():
            raise LeaseLost(str(self.job))
        return self._stop.is_set()

    def report_progress(self, done: int, total: int) -> None:
        """Store how far the job is. Raises: LeaseLost."""
        job_queue.report_progress(self.job, done, total)

    def request_stop(self) -> None:
        """Have `should_stop` say True from now on."""
        self._stop.set()

    def lose(self) -> None:
        """Have `should_stop` raise from now on."""
        self._lost.set()


@cache
def _slots(queue: str) -> Slots:
    fixed = int(settings.JOB_SLOTS.get(queue, 1))
    return Slots(lambda: fixed or _engine_slots())


def _engine_slots() -> int:
    from inference.conf import get_engine  # only processes that run jobs need the engine
    from inference.errors import EngineError

    try:
        return get_engine().slots
    except EngineError as exc:  # jobs must still run, to end with this very error
        logger.error("no engine: %s: %s", exc.code, exc)
        return 1


def work(queue: str) -> int:
    """Run jobs of a queue until none is left or no slot is free; return how many ran."""
    slots = _slots(queue)
    if not slots.enter():
        return 0
    ran = 0
    try:
        while not _draining.is_set():
            while not _draining.is_set() and (job := job_queue.claim(queue)) is not None:
                run(job)
                ran += 1
            if slots.leave():
                return ran
    except BaseException:
        slots.leave(force=True)
        raise
    slots.leave(force=True)
    return ran


def run(job: Job) -> None:
    """Run one claimed job through its handler and finish it."""
    lease = Lease(job)
    with _leases_lock:
        if older := _leases.get(job.pk):
            older.lose()
        _leases[job.pk] = lease
    _start_keeper()
    try:
        handler: Callable[[Lease], JobState | None] = import_string(settings.JOB_KINDS[job.kind][2])
        state = handler(lease) or JobState.DONE
        job_queue.finish(job, state)
    except LeaseLost:
        _let_go(job)
    except Exception as exc:  # the edge of the room: whatever a handler lets through ends the job
        code = _code_of(exc)
        if code:
            logger.warning("%s failed: %s: %s", job, code, exc)
        else:
            logger.exception("%s failed", job)
        _finish_failed(job, code or "internal")
    finally:
        with _leases_lock:
            if _leases.get(job.pk) is lease:
                del _leases[job.pk]


def _code_of(error: Exception) -> str:
    """Return the code of an error that a room foresaw; "" for any other."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) and hasattr(error, "user_message") else ""


def _let_go(job: Job) -> None:
    """End a job whose subject is over or gone; when another worker has the job, leave it alone."""
    try:
        job_queue.finish(job, JobState.CANCELLED)
    except LeaseLost:
        logger.warning("%s: another worker has it", job)


def _finish_failed(job: Job, code: str) -> None:
    try:
        job_queue.finish(job, JobState.FAILED, code)
    except LeaseLost:
        logger.warning("%s: another worker has it", job)
        return
    job.state, job.error_code = JobState.FAILED, code
    tell_ended(job)


def tell_ended(job: Job) -> None:
    """Tell the job's room that it failed for good, or was cancelled while nobody worked on it."""
    try:
        import_string(settings.JOB_KINDS[job.kind][3])(job)
    except Exception:  # one room's trouble must not keep the sweep from the other jobs
        logger.exception("%s: its end could not be told; the next sweep tries again", job)


def cancel(job_id: UUID) -> JobState | None:
    """Ask a job to stop, at once when it runs in this process; see queue.cancel."""
    with _leases_lock:
        lease = _leases.get(job_id)
    if lease:
        lease.request_stop()
    return job_queue.cancel(job_id)


def sweep() -> None:
    """Give jobs of dead workers to others, tell the rooms of those that ended, have rooms tidy up."""
    try:
        _again, ended = job_queue.sweep()
        for job in ended:
            tell_ended(job)
        for path in settings.JOB_SWEEPS:
            import_string(path)()
    finally:
        close_old_connections()


def drain() -> None:
    """Claim nothing more; what runs goes on."""
    _draining.set()


def give_back_all() -> int:
    """Put what runs here back in the queue and have its handlers stop; return how many jobs that were.

    For the end of a process: the next one, or another worker, goes on with them at once.
    """
    with _leases_lock:
        leases = list(_leases.values())
    for lease in leases:
        lease.lose()
    return sum(job_queue.give_back(lease.job) for lease in leases)


def _start_keeper() -> None:
    global _keeper
    with _leases_lock:
        if _keeper is None or not _keeper.is_alive():
            _keeper = threading.Thread(target=_keep, name="lease-keeper", daemon=True)
            _keeper.start()


def _keep() -> None:
    beat_at = time.monotonic() + HEARTBEAT_S
    while True:
        time.sleep(POLL_S)
        with _leases_lock:
            leases = dict(_leases)
        if not leases:
            beat_at = time.monotonic() + HEARTBEAT_S
            continue
        is_time = time.monotonic() >= beat_at
        try:
            _keep_once(leases, with_heartbeat=is_time)
            if is_time:
                beat_at = time.monotonic() + HEARTBEAT_S
        except AnyDatabaseError:
            logger.exception("leases could not be kept; trying again")
        finally:
            close_old_connections()


def _keep_once(leases: dict[UUID, Lease], *, with_heartbeat: bool) -> None:
    for job_id in job_queue.cancel_requested(list(leases)):
        leases[job_id].request_stop()
    for lease in leases.values() if with_heartbeat else ():
        if not job_queue.heartbeat(lease.job):
            lease.lose()
