"""Job kinds for these tests: what a room would register in settings.JOB_KINDS."""

import threading
import time
from collections import Counter

from jobs.errors import LeaseLost, LogUnavailable
from jobs.models import Job, JobState
from jobs.worker import Lease

KINDS = {
    "count": ("inference", 10, "tests.jobs.kinds.count", "tests.jobs.kinds.lost"),
    "wait": ("inference", 10, "tests.jobs.kinds.wait_for_stop", "tests.jobs.kinds.lost"),
    "break": ("inference", 10, "tests.jobs.kinds.break_down", "tests.jobs.kinds.lost"),
    "gone": ("inference", 10, "tests.jobs.kinds.find_nothing", "tests.jobs.kinds.lost"),
    "most": ("inference", 10, "tests.jobs.kinds.count_at_once", "tests.jobs.kinds.lost"),
    "refuse": ("inference", 10, "tests.jobs.kinds.refuse", "tests.jobs.kinds.lost"),
    "long": ("background", 30, "tests.jobs.kinds.wait_for_stop", "tests.jobs.kinds.lost"),
    "short": ("background", 40, "tests.jobs.kinds.count", "tests.jobs.kinds.lost"),
    "later": ("inference", 90, "tests.jobs.kinds.count", "tests.jobs.kinds.lost"),
}

ran: list[str] = []
lost_subjects: list[str] = []
started = threading.Event()
most_at_once = 0
_running: Counter[str] = Counter()
_lock = threading.Lock()


def reset() -> None:
    """Forget what earlier tests did."""
    ran.clear()
    lost_subjects.clear()
    started.clear()
    global most_at_once
    most_at_once = 0


def count(lease: Lease) -> JobState | None:
    """Note the subject."""
    ran.append(lease.job.subject)
    return None


def wait_for_stop(lease: Lease) -> JobState:
    """Run until asked to stop."""
    started.set()
    while not lease.should_stop():
        time.sleep(0.01)
    return JobState.CANCELLED


def find_nothing(lease: Lease) -> None:
    """Find that somebody else has ended the subject."""
    raise LeaseLost(lease.job.subject)


def count_at_once(lease: Lease) -> None:
    """Note how many jobs of one owner run together at most."""
    global most_at_once
    with _lock:
        _running[lease.job.owner] += 1
        most_at_once = max(most_at_once, _running[lease.job.owner])
    time.sleep(0.005)
    with _lock:
        _running[lease.job.owner] -= 1


def break_down(lease: Lease) -> None:
    """Fail in a way nobody foresaw."""
    raise ValueError(lease.job.subject)


def refuse(lease: Lease) -> None:
    """Fail in a way the room foresaw."""
    raise LogUnavailable(lease.job.subject)


def lost(job: Job) -> None:
    """Note whose work was lost."""
    lost_subjects.append(job.subject)
