"""How sure retrieval may be that the passages answer: a logistic regression over a few plain signs. Pure.

The constants were fitted on public question sets with half of the documents held out, so that about
95 % of the answerable questions are kept; figures in docs/measurements.md. Near misses (the
right subject, but not this fact) look like answers to any such score: they need the model and a
check of the quote.
"""

import math
from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 0.5
_BIAS: Final = -2.1
_COVERAGE: Final = 8.2
_DENSE: Final = 12.0
_KNOWN: Final = -6.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, each 0–1.

    coverage: share of the question's weight that one of the best passages holds. dense: cosine of
    the nearest passage. known: how far the embedding model knows the question's language, so how
    much `dense` means.
    """

    coverage: float
    dense: float
    known: float


def estimate_confidence(evidence: Evidence) -> float:
    """Estimate how likely the passages hold the answer; from THRESHOLD on, answer."""
    z = _BIAS + _COVERAGE * evidence.coverage + (_DENSE * evidence.dense + _KNOWN) * evidence.known
    return 1.0 / (1.0 + math.exp(-z))
