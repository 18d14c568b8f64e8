"""How sure retrieval may be that the passages answer: a logistic regression over a few plain signs. Pure.

The constants were fitted on public question sets with half of the documents left out; figures and
the command are in docs/measurements-retrieval.md. Near misses (the right subject, but not this fact)
look like answers to any such score: they need the model and a check of the quote.
"""

import math
from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 0.5
_BIAS: Final = -4.0
_COVERAGE: Final = 6.0
_SENTENCE: Final = 4.0
_DENSE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, each 0–1.

    coverage: share of the question's weight in the best passage. sentence: in the best sentence.
    dense: similarity of the nearest passage, times how far the model knows the language.
    """

    coverage: float
    sentence: float
    dense: float


def estimate_confidence(evidence: Evidence) -> float:
    """Estimate the probability that the passages hold the answer."""
    z = _BIAS + _COVERAGE * evidence.coverage + _SENTENCE * evidence.sentence + _DENSE * evidence.dense
    return 1.0 / (1.0 + math.exp(-z))


def is_enough(confidence: float) -> bool:
    """Decide whether to answer at all."""
    return confidence >= THRESHOLD
