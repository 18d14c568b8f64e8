"""The pure parts of a summary: what is checked, chosen, planned and numbered."""

from collections.abc import Sequence

import pytest

from inference.types import ChatMessage
from knowledge.summaries import extractive
from knowledge.summaries.checking import Checker
from knowledge.summaries.notes import Note, cited_only, number_through
from knowledge.summaries.planning import fit, plan
from knowledge.summaries.prompts import Task, build
from knowledge.summaries.reading import as_markdown

KETTLE = "A kettle may be returned within 30 days of delivery."
WARRANTY = "The warranty of a kettle lasts two years and covers the switch."
TASK = Task("Terms", "en", is_final=True)


def count(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message.content.split()) for message in messages)


def checked(text: str, *, piece: int = 3) -> str:
    """Feed a text in small pieces, as an engine does."""
    checker = Checker([KETTLE, WARRANTY])
    pieces = [checker.feed(text[at : at + piece]) for at in range(0, len(text), piece)]
    return "".join([*pieces, checker.finish()])


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_sentences_keep_the_passages_that_support_them(piece: int) -> None:
    text = "A kettle may be returned within 30 days [1]. The warranty lasts two years [2]."

    assert checked(text, piece=piece) == text


def test_an_invented_citation_goes_and_the_passage_that_says_it_takes_its_place() -> None:
    assert checked("The warranty lasts two years [9].") == "The warranty lasts two years [2]."


def test_a_sentence_without_a_citation_gets_the_passage_that_says_it() -> None:
    assert checked("The warranty covers the switch.") == "The warranty covers the switch [2]."


def test_a_citation_after_the_full_stop_belongs_to_the_sentence_before() -> None:
    text = "The kettle is returned within 30 days. [1] The warranty lasts two years. [2]"

    assert checked(text) == "The kettle is returned within 30 days [1]. The warranty lasts two years [2]."


def test_what_no_passage_says_is_left_out() -> None:
    assert checked("The moon is made of cheese [1]. The warranty lasts two years [2].") == (
        "The warranty lasts two years [2]."
    )


def test_list_items_stay_items_and_headings_go() -> None:
    text = "# Summary\n\nThe warranty lasts two years [2].\n\n* **Kettle** returned within 30 days [1].\n"

    assert checked(text) == "The warranty lasts two years [2].\n- Kettle returned within 30 days [1]."


def test_numbers_count_through_the_notes_of_a_prompt() -> None:
    notes = [Note("", "One [1]. Two [2].", (7, 9)), Note("", "Two again [1].", (9,))]

    shown = number_through(notes)

    assert shown.texts == ("One [1]. Two [2].", "Two again [2].")
    assert shown.sources == (7, 9)


def test_sources_that_are_not_cited_are_forgotten() -> None:
    assert cited_only("Said [3]. And [1].", (5, 6, 7)) == Note("", "Said [1]. And [2].", (7, 5))


def test_a_documents_own_numbers_in_brackets_are_no_citations() -> None:
    _messages, shown = build(TASK, [Note("", "As shown in [12].", (1,), is_passage=True)])

    assert shown.texts == ("[1] As shown in (12).",)


def test_sentences_are_taken_by_section_in_reading_order_and_not_twice() -> None:
    notes = [
        Note("Terms › Returns", f"{KETTLE} The box must be complete.", (1,), is_passage=True),
        Note("Terms › Warranty", WARRANTY, (2,), is_passage=True),
        Note("Terms › Again", WARRANTY, (3,), is_passage=True),
    ]

    summary = extractive.summarise(notes)

    lines = summary.text.split("\n")
    assert [line.split(":")[0] for line in lines] == ["- Returns", "- Warranty"]
    assert summary.sources == (1, 2)


def test_a_list_mark_is_not_part_of_a_sentence() -> None:
    summary = extractive.summarise([Note("", "1. Rinse the tank with clean water.", (1,), is_passage=True)])

    assert summary.text == "Rinse the tank with clean water [1]."


def test_parts_hold_every_note_once_and_in_order() -> None:
    notes = [Note("", f"Word {n} " * 50, (n,), is_passage=True) for n in range(60)]

    parts = plan(notes, TASK, count_tokens=count, context_tokens=1200, max_parts=30)

    assert [note for part in parts.parts for note in part] == notes
    assert parts.left_out == 0
    assert all(count(build(TASK, part)[0]) <= 1200 - TASK.max_tokens for part in parts.parts)


def test_too_many_parts_keep_something_of_every_stretch() -> None:
    notes = [Note("", f"Word {n} " * 50, (n,), is_passage=True) for n in range(600)]

    parts = plan(notes, TASK, count_tokens=count, context_tokens=1200, max_parts=6)

    kept = [note.sources[0] for part in parts.parts for note in part]
    assert len(parts.parts) <= 6
    assert parts.left_out == 600 - len(kept)
    assert kept == sorted(kept)
    assert all(any(100 * n <= pk < 100 * (n + 1) for pk in kept) for n in range(6))


def test_one_passage_that_is_too_long_is_cut() -> None:
    kept = fit([Note("", "word " * 5000, (1,), is_passage=True)], TASK, count, 1200)

    assert len(kept) == 1
    assert count(build(TASK, kept)[0]) <= 1200 - TASK.max_tokens


def test_words_that_look_like_markdown_are_escaped_and_citations_are_not() -> None:
    assert as_markdown("- Uses *all* `code` [1].") == r"- Uses \*all\* \`code\` [1]."
