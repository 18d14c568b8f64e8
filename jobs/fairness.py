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


def place(claimants: Mapping[str, Claimant], owner: str, before: int) -> int:
    """Return the place in line, from 1, of a job with `before` older ones of its owner in front of it."""
    mine = claimants[owner]
    ahead = sum(
        min(one.waiting, before + (one.key < mine.key)) for one in claimants.values() if one is not mine
    )
    return before + ahead + 1


def expected_wait_s(place: int, usual_s: float, running_for_s: Sequence[float]) -> float:
    """Return the seconds until the job at a place starts.

    running_for_s: since when each running job runs. While jobs wait every slot is taken, so there are as
    many slots as jobs that run, on however many machines.
    """
    free_in = [max(usual_s - already, ALMOST_DONE * usual_s) for already in running_for_s] or [0.0]
    heapq.heapify(free_in)
    for _ in range(place - 1):
        heapq.heapreplace(free_in, free_in[0] + usual_s)
    return free_in[0]
