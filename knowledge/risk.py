"""The risk-coverage curve: what each threshold keeps of answerable questions and refuses of others. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

# Share of answerable questions kept, and the threshold that keeps it on the public sets, each kind alike.
USUAL: Final = (
    (0.99, -1.0),
    (0.98, -0.4),
    (0.97, 0.0),
    (0.96, 0.4),
    (0.95, 0.6),
    (0.94, 0.9),
    (0.92, 1.3),
    (0.90, 1.7),
    (0.85, 2.4),
    (0.80, 3.0),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold, in log odds, with the shares of answerable questions kept and of others refused."""

    threshold: float
    kept: float
    refused: float

    def as_json(self) -> dict[str, float]:
        """Return it as a row keeps it."""
        return asdict(self)


def threshold_for(scores: Sequence[float], target: float) -> float:
    """Find the threshold that keeps that share of these answerable questions."""
    ordered = sorted(scores)
    return ordered[min(len(ordered) - 1, int((1 - target) * len(ordered) + 1e-9))]


def blend(own: float, usual: float, count: int, worth: int) -> float:
    """Trust a collection's own threshold by its questions; the usual one counts like `worth` of them."""
    return (own * count + usual * worth) / (count + worth)


def refused_below(scores: Sequence[float], threshold: float) -> float:
    """Share of questions that a threshold refuses."""
    return bisect_left(sorted(scores), threshold) / len(scores) if scores else 0.0
