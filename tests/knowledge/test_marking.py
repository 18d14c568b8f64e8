"""Words of a question are marked in a passage, in any script, and only those that say something."""

from collections.abc import Sequence

import pytest

from knowledge.marking import AROUND, mark
from knowledge.question_words import asking_words
from knowledge.retrieval_types import Sentence
from knowledge.tokens import Matcher, words


def alike(tokens: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(tokens, 1.0)


def marked(question: str, text: str) -> list[str]:
    pieces = mark(text, Matcher(question, alike), None, asking_words(words(question)))
    assert "".join(piece.text for piece in pieces) == text
    return [piece.text for piece in pieces if piece.is_match]


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("How do I reset E7?", "Then reset the fault E7.", ["reset", "E7"]),
        ("Which filters fit?", "The filter is rinsed.", ["filter"]),
        ("כמה זמן האחריות?", "אחריות לשנתיים, האחריות בתוקף.", ["אחריות", "האחריות"]),
        ("电池寿命多长", "电池的寿命很长。", ["电池", "寿命", "长"]),
        ("Where is Rome?", "Nothing of the kind is said.", []),
    ],
)
def test_words_of_the_question_are_marked(question: str, text: str, expected: list[str]) -> None:
    assert marked(question, text) == expected


def test_the_best_sentence_is_told_apart_from_the_rest() -> None:
    text = "First comes this. The lamp is green. Last comes that."
    best = Sentence(18, 36, 0.9)

    pieces = mark(text, Matcher("Is the lamp green?", alike), best)

    assert "".join(piece.text for piece in pieces if piece.is_best) == "The lamp is green."


def test_a_long_passage_is_cut_to_what_stands_around_its_best_sentence() -> None:
    text = "Nothing here. " * 60 + "The lamp is green. " + "Nothing there. " * 60
    start = text.index("The lamp")

    shown = "".join(
        piece.text for piece in mark(text, Matcher("lamp", alike), Sentence(start, start + 18, 0.9))
    )

    assert "The lamp is green." in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) <= AROUND + 4
