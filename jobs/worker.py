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
from django.db import DatabaseError, close_old_connections
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

    return get_engine().slots


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
        _leases[job.pk] = lease
    _start_keeper()
    handler: Callable[[Lease], JobState | None] = import_string(settings.JOB_KINDS[job.kind][2])
    try:
        state = handler(lease) or JobState.DONE
        job_queue.finish(job, state)
    except LeaseLost:
        logger.warning("%s: another worker has it", job)
    except Exception as exc:  # the edge of the room: whatever a handler lets through ends the job
        logger.exception("%s failed", job)
        _finish_failed(job, str(getattr(exc, "code", "internal")))
    finally:
        with _leases_lock:
            _leases.pop(job.pk, None)


def _finish_failed(job: Job, code: str) -> None:
    try:
        job_queue.finish(job, JobState.FAILED, code)
    except LeaseLost:
        logger.warning("%s: another worker has it", job)
        return
    tell_lost(job)


def tell_lost(job: Job) -> None:
    """Tell the job's room that it failed for good."""
    import_string(settings.JOB_KINDS[job.kind][3])(job)


def cancel(job_id: UUID) -> JobState | None:
    """Ask a job to stop, at once when it runs in this process; see queue.cancel."""
    with _leases_lock:
        lease = _leases.get(job_id)
    if lease:
        lease.request_stop()
    return job_queue.cancel(job_id)


def sweep() -> None:
    """Give jobs of dead workers to others, tell the rooms of those that failed for good."""
    _again, failed = job_queue.sweep()
    for job in failed:
        tell_lost(job)


def drain() -> None:
    """Claim nothing more; what runs goes on."""
    _draining.set()


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
        try:
            for job_id in job_queue.cancel_requested(list(leases)):
                leases[job_id].request_stop()
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + HEARTBEAT_S
                for lease in leases.values():
                    if not job_queue.heartbeat(lease.job):
                        lease.lose()
        except DatabaseError:
            logger.exception("leases could not be kept; trying again")
            close_old_connections()
