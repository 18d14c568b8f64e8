"""Evidence: what speaks for an answer, when people ask as people do."""

from collections.abc import Mapping, Sequence

from knowledge.evidence import Evidence, Found, Question
from knowledge.tokens import Matcher, encode

RARE, COMMON = 5.0, 1.0
PASSAGE = "Parcels may be returned within thirty days of delivery. The shop opens at nine."


def weigh(tokens: Sequence[str]) -> Mapping[str, float]:
    return {token: COMMON if token in {"the", "at", "of"} else RARE for token in tokens}


def question(text: str) -> Question:
    return Question(text, Matcher(text, weigh))


def found(*passages: str) -> Found:
    return Found(passages, passages, [(4.0, "a")], place=0, nearest=0.5, known=1.0)


def test_words_of_conversation_count_little() -> None:
    plain = question("parcels returned").weigh(found(PASSAGE))
    chatty = question("hello please tell me if my parcels returned").weigh(found(PASSAGE))

    assert plain.coverage == 1.0
    assert chatty.coverage > 0.9
    assert chatty.unseen < 0.3  # six words of eight
    assert chatty.bm25 > 0.7 * plain.bm25  # what the words around it could have scored does not weigh it down


def test_words_of_the_subject_count_in_full() -> None:
    evidence = question("parcels returned to Lisbon harbour").weigh(found(PASSAGE))

    assert evidence.coverage < 0.8


def test_one_answered_sentence_of_a_question_is_weighed_by_itself() -> None:
    text = "Grandmother bought curtains yesterday. Within thirty days, may parcels be returned?"

    whole, *parts = question(text).weigh_best(found(PASSAGE))

    assert len(parts) == 2
    assert max(part.coverage for part in parts) > whole.coverage + 0.2


def test_a_sentence_that_asks_nothing_by_itself_is_not_weighed_alone() -> None:
    text = "Thirty. How may parcels bought yesterday by grandmother in Lisbon harbour market be returned?"

    whole, *parts = question(text).weigh_best(found("Thirty."))

    assert all(part.coverage < 0.5 for part in (whole, *parts))


def test_question_of_one_sentence_is_weighed_once() -> None:
    assert len(question("May parcels be returned?").weigh_best(found(PASSAGE))) == 1


def test_half_known_languages_are_told_from_known_and_unknown_ones() -> None:
    def partly(known: float) -> float:
        evidence: Evidence = question("parcels").weigh(Found((), (), (), None, 0.0, known))
        return evidence.partly

    assert partly(1.0) == partly(0.0) == 0.0
    assert partly(0.44) > 0.9


def test_narrowed_matcher_weighs_as_the_whole_question_does() -> None:
    asked: list[list[str]] = []

    def watched(tokens: Sequence[str]) -> Mapping[str, float]:
        asked.append(list(tokens))
        return weigh(tokens)

    whole = Matcher("Thanks. Are parcels returned?", watched)
    part = whole.narrowed("Are parcels returned?")

    assert len(asked) == 1  # the index is not asked again
    assert part.weights == {token: whole.weights[token] for token in part.weights}
    assert part.heaviest == whole.heaviest
    assert encode("parcels") in part.weights
    assert "thanks" not in part.weights
