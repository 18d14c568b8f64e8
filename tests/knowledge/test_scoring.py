"""Sentence scores: which sentence is quoted."""

from collections.abc import Mapping, Sequence

from knowledge import scoring
from knowledge.evidence import Question
from knowledge.tokens import Matcher

QUESTION = "How many days do you keep parcels?"
TEXT = "How many do you see? Parcels stay for six days in our store behind the harbour."


def weigh(tokens: Sequence[str]) -> Mapping[str, float]:
    return dict.fromkeys(tokens, 3.0)


def test_quotes_are_scored_by_what_is_asked_about_not_by_how_it_is_asked() -> None:
    asks, tells = scoring.score_quotes(TEXT, Question(QUESTION, Matcher(QUESTION, weigh)))

    assert TEXT[asks.start : asks.end] == "How many do you see?"
    assert tells.words > 3 * asks.words
    assert 0 <= asks.words <= tells.words <= 1


def test_a_sentence_gets_a_share_of_its_better_neighbour() -> None:
    rows = [
        scoring.SentenceScore(0, 1, 0.8),
        scoring.SentenceScore(2, 3, 0.0),
        scoring.SentenceScore(4, 5, 0.4),
    ]

    lifted = scoring.lift_by_neighbours(rows)

    assert [round(row.words, 3) for row in lifted] == [0.8, 0.2, 0.4]
