"""The arithmetic of retrieval: fusion, sentence scores, confidence. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.evidence import Question
from knowledge.sentences import split_sentences
from knowledge.tokens import Matcher

# Measured in docs/measurements.md. Word-pieces a word say how far the embedding model
# knows the question's language; what it does not know it must not decide.
DENSE_WEIGHTS: Final = ((1.6, 0.60), (2.3, 0.20))
DENSE_WEIGHT_UNKNOWN: Final = 0.05
KNOWN: Final = ((1.6, 1.0), (2.3, 0.44))
UNKNOWN: Final = 0.11
BEST_SENTENCE: Final = 0.75
PREVIOUS_TURN: Final = 0.15
NEAR: Final = 0.3  # a passage less similar than this is not about the question
USUAL_SENTENCE_CHARS: Final = 100
NEIGHBOUR: Final = 0.25  # of the better neighbouring sentence's words
LONG_SENTENCE: Final = 0.1  # how much a sentence twice as long is worth less


# Shares of a sentence's score: words, vectors, its passage; without vectors the last pair.
SENTENCE_MIX: Final = (0.3, 0.3, 0.4)
SENTENCE_MIX_WORDS: Final = (0.6, 0.4)


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """A sentence's place and how much of the question's weight it holds, 0–1."""

    start: int
    end: int
    words: float


def dense_weight(fertility: float, nearest: float = 1.0) -> float:
    """Share of the vector score in the fusion, by word-pieces a word of the question.

    nearest: the best similarity found. Where even that is far off, as it is when the search gets
    stuck among many near-equal vectors, the order of the vectors says little and words decide.
    """
    share = next((share for below, share in DENSE_WEIGHTS if fertility < below), DENSE_WEIGHT_UNKNOWN)
    return share * min(1.0, max(0.0, nearest) / NEAR)


def share_known(fertility: float) -> float:
    """Tell how far the embedding model knows the question's language, 0–1."""
    return next((share for below, share in KNOWN if fertility < below), UNKNOWN)


def stretch(scores: Mapping[int, float]) -> dict[int, float]:
    """Scale to 0–1 between the worst and the best; equal scores all become 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high <= low:
        return dict.fromkeys(scores, 1.0)
    return {pk: (score - low) / (high - low) for pk, score in scores.items()}


def fuse(words: Mapping[int, float], dense: Mapping[int, float], dense_share: float) -> dict[int, float]:
    """Add the stretched scores; what one index did not find counts 0 there."""
    share = dense_share if dense else 0.0
    return {
        pk: (1 - share) * words.get(pk, 0.0) + share * dense.get(pk, 0.0)
        for pk in words.keys() | dense.keys()
    }


def add_previous(now: Mapping[int, float], before: Mapping[int, float]) -> dict[int, float]:
    """Let the turn before decide between chunks that answer this one about equally."""
    both = {pk: now.get(pk, 0.0) + PREVIOUS_TURN * before.get(pk, 0.0) for pk in now.keys() | before.keys()}
    return {pk: score / (1 + PREVIOUS_TURN) for pk, score in both.items()}


def score_sentences(text: str, matcher: Matcher) -> list[SentenceScore]:
    """Score each sentence of a passage by the share of the question it holds.

    Long sentences hold more by chance: they are worth a little less.
    """
    return [
        SentenceScore(start, end, matcher.coverage(text[start:end]) / _length_norm(end - start))
        for start, end in split_sentences(text)
    ]


def score_quotes(text: str, question: Question) -> list[SentenceScore]:
    """Score each sentence for quoting: by what is asked about, not by "how many"; a long one says more."""
    return [
        SentenceScore(start, end, question.about(text[start:end])) for start, end in split_sentences(text)
    ]


def lift_by_neighbours(sentences: Sequence[SentenceScore]) -> list[SentenceScore]:
    """Give each sentence a share of its better neighbour's words: answers often stand beside them."""
    words = [0.0, *(sentence.words for sentence in sentences), 0.0]
    return [
        SentenceScore(one.start, one.end, one.words + NEIGHBOUR * max(words[place], words[place + 2]))
        for place, one in enumerate(sentences)
    ]


def add_best_sentence(passage: float, sentences: Sequence[SentenceScore]) -> float:
    """Raise a passage's score by its best sentence, staying in 0–1."""
    best = max((sentence.words for sentence in sentences), default=0.0)
    return (passage + BEST_SENTENCE * best) / (1 + BEST_SENTENCE)


def _length_norm(chars: int) -> float:
    return max(1.0, 1 - LONG_SENTENCE + LONG_SENTENCE * chars / USUAL_SENTENCE_CHARS)
