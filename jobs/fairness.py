"""Whose turn it is, and how long that takes. Pure.

Owners take turns. An owner's turn comes at the later of two times: when its oldest waiting job came, and
when a job of its was last started. So whoever waits is overtaken by each of the others once at most, a
newcomer overtakes nobody who waits already, and with one job an owner it is first come, first served.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

ALMOST_DONE = 0.25  # of the usual time: what is expected of a job that took longer than usual already


@dataclass(frozen=True, slots=True)
class Claimant:
    """An owner with waiting jobs. running: its jobs that run; since: when the oldest waiting one came."""

    owner: str
    waiting: int
    running: int
    since: datetime
    last_start: datetime | None = None

    @property
    def key(self) -> tuple[int, datetime, datetime, str]:
        """Whoever has the lowest is next: fewest running, then whose turn came first."""
        turn = self.since if self.last_start is None else max(self.since, self.last_start)
        return (self.running, turn, self.since, self.owner)


def next_owner(claimants: Sequence[Claimant]) -> str | None:
    """Return whose oldest job is next."""
    return min(claimants, key=lambda one: one.key).owner if claimants else None


def ahead(claimants: Mapping[str, Claimant], owner: str, before: int) -> dict[str, int]:
    """Return how many jobs of each owner start before one with `before` older ones of its own owner."""
    mine = claimants[owner]
    return {
        one.owner: before if one is mine else min(one.waiting, before + (one.key < mine.key))
        for one in claimants.values()
    }


def left_s(usual_s: float, already_s: float) -> float:
    """Return the seconds a running job probably still takes."""
    return max(usual_s - already_s, ALMOST_DONE * usual_s)


def expected_wait_s(takes_s: Sequence[float], free_in_s: Sequence[float]) -> float:
    """Return the seconds until a job starts.

    takes_s: what each job in front of it takes, the next one first. free_in_s: in how many seconds each
    running job ends. While jobs wait every slot is taken, so there are as many slots as jobs that run,
    on however many machines.
    """
    free = list(free_in_s) or [0.0]
    heapq.heapify(free)
    for takes in takes_s:
        heapq.heapreplace(free, free[0] + takes)
    return free[0]
