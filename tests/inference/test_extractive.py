"""The extractive engine: what it quotes, and how."""

from inference.engines.extractive import ExtractiveEngine, choose_quotes
from inference.types import ChatMessage, Delta, Finish, FinishReason, GenerationRequest, Quote, Role

QUESTION = (ChatMessage(Role.USER, "How long may I return things?"),)
RETURNS = Quote(2, "Returns are free within 30 days.", 0.9)
HEBREW = Quote(1, "אפשר להחזיר בתוך שלושים יום.", 0.8)
WEAK = Quote(3, "The shop opened in spring.", 0.2)


def answer(*quotes: Quote) -> tuple[str, Finish]:
    events = list(ExtractiveEngine().stream(GenerationRequest(QUESTION, quotes=quotes)))
    finish = events.pop()
    assert isinstance(finish, Finish)
    return "".join(event.text for event in events if isinstance(event, Delta)), finish


def test_one_good_sentence_is_quoted_with_its_citation() -> None:
    text, finish = answer(RETURNS, WEAK)

    assert text == "> Returns are free within 30 days. [2]"
    assert finish.reason is FinishReason.STOP
    assert finish.usage.prompt_tokens == 6


def test_good_sentences_come_in_the_order_of_their_passages() -> None:
    text, _ = answer(RETURNS, HEBREW)

    assert text == "> אפשר להחזיר בתוך שלושים יום. [1]\n\n> Returns are free within 30 days. [2]"


def test_nothing_is_said_without_quotes() -> None:
    assert answer()[0] == ""
    assert answer()[1].reason is FinishReason.NO_ANSWER
    assert answer(Quote(1, "Nothing of use.", 0.0))[1].reason is FinishReason.NO_ANSWER


def test_a_repeated_sentence_is_quoted_once() -> None:
    again = Quote(4, "Returns are free within 30 days!", 0.88)
    longer = Quote(5, "As we said, returns are free within 30 days.", 0.87)

    assert choose_quotes([RETURNS, again, longer]) == [RETURNS]


def test_at_most_three_sentences_are_quoted() -> None:
    subjects = ["lamps glow", "mugs break", "coats shrink", "boots squeak", "hats blow away"]
    quotes = [Quote(n, f"Sometimes {subject}.", 0.9) for n, subject in enumerate(subjects, start=1)]

    assert [quote.n for quote in choose_quotes(quotes)] == [1, 2, 3]
