"""How sure retrieval may be that the passages answer: a logistic regression over plain signs. Pure.

The constants were fitted on public question sets in 15 languages with half of the documents left out
(docs/measurements.md, "Refusals"), so that about 95 % of the answerable questions are kept. A collection's
own threshold (`knowledge.calibration`) moves the point. Near misses (the right subject, not this fact) look
like answers to any such score: they need the model and a check of the quote.
"""

import math
from dataclasses import fields
from typing import Final

from knowledge.evidence import Evidence

THRESHOLD: Final = 0.5
FIT: Final = "2"  # raise it with the constants below: what collections measured is then measured anew
_BIAS: Final = -2.24
_WEIGHTS: Final = Evidence(
    words=2.12,
    unseen=-2.31,
    mean=-4.63,
    sentence=1.74,
    pair=2.31,
    adjacent=0.99,
    third=1.78,
    bm25=6.31,
    focus=1.83,
    dense=7.64,
    known=-4.90,
    partly=-1.50,
    agreement=0.89,
    length=1.62,
    unspaced=-1.35,
)
_NAMES: Final = tuple(field.name for field in fields(Evidence))


def score_evidence(evidence: Evidence) -> float:
    """Add up what speaks for an answer, in log odds; 0 is the line where no collection drew its own."""
    return _BIAS + math.fsum(getattr(_WEIGHTS, name) * getattr(evidence, name) for name in _NAMES)


def estimate_confidence(score: float, threshold: float = 0.0) -> float:
    """Turn a score into 0–1; from THRESHOLD on, answer. threshold: the collection's own, in log odds."""
    return 1.0 / (1.0 + math.exp(min(700.0, threshold - score)))
