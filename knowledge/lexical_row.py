"""Values of the word index, and its arithmetic. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

K1: Final = 1.2  # SQLite's own BM25 constants
B: Final = 0.75
MIN_WEIGHT: Final = 1e-6
MAX_POSTINGS: Final = 12_000  # beyond these the commonest tokens only re-rank what the rarer ones found
CANDIDATES: Final = 100  # re-ranked then, at least


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as the word index keeps it: how often it holds each token."""

    chunk_id: int
    collection_id: int
    counts: Mapping[str, int]

    @property
    def length(self) -> int:
        """Tokens in all, the collection's own included (SQLite counts it, so we do everywhere)."""
        return sum(self.counts.values()) + 1


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found, with its BM25 score, above 0."""

    chunk_id: int
    score: float


def split_by_rarity(documents: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Part the tokens that find from those that only re-rank, rarest first; what no chunk holds is left out.

    documents: how many chunks hold each token.
    """
    by_rarity = sorted(
        (token for token, held in documents.items() if held), key=lambda token: documents[token]
    )
    reading = 0
    for place, token in enumerate(by_rarity):
        reading += documents[token]
        if place and reading > MAX_POSTINGS:
            return by_rarity[:place], by_rarity[place:]
    return by_rarity, []


def inverse_frequency(documents: int, total: int) -> float:
    """Weigh a token that `documents` of `total` chunks hold, as BM25 ranks (SQLite's own formula)."""
    return max(MIN_WEIGHT, math.log((total - documents + 0.5) / (documents + 0.5)))


def weight(documents: int, total: int) -> float:
    """Weigh a token for comparing texts: stays useful where nearly every chunk holds it."""
    return math.log1p((max(total - documents, 0) + 0.5) / (documents + 0.5))


def saturate(count: int, length: int, average_length: float) -> float:
    """Turn a count into BM25's factor: 1 for one occurrence at average length, below K1 + 1."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / average_length))
