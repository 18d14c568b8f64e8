"""Pictures in a prompt: with their question, counted, and gone with their turn."""

from collections.abc import Sequence

import pytest

from chat.prompts import Prompt, PromptPassage, Turn, build
from inference.types import ChatMessage, Image

RED, BLUE = Image(b"red", 9, 9), Image(b"blue", 9, 9)
PASSAGE = PromptPassage(1, "Warranty", "Terms", "The warranty lasts two years.")
PICTURE_TOKENS = 1000


def tokens(messages: Sequence[ChatMessage]) -> int:
    return sum(len(one.content.split()) + PICTURE_TOKENS * len(one.images) for one in messages)


def prompt(
    images: tuple[Image, ...] = (),
    passages: Sequence[PromptPassage] = (PASSAGE,),
    history: Sequence[Turn] = (),
    language: str = "en",
    room: int = 10_000,
) -> Prompt:
    return build(
        "What is this?", passages, history, images=images, instructions="", language=language, refusal="",
        count_tokens=tokens, context_tokens=room + 100, max_tokens=100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "system", "rule", "alone"),
    [
        ("en", "You may also describe", "Describe what you see in the picture", "say only what you see"),
        ("fr", "You may also describe", "Describe what you see in the picture", "say only what you see"),
        ("he", "מותר לך גם לתאר", "תאר את מה שרואים בתמונה", "אמור רק מה רואים בתמונה"),
        ("ar", "ويجوز لك أيضًا أن تصف", "صف ما تراه في الصورة", "قل ما تراه في الصورة فقط"),
    ],
)
def test_a_picture_may_be_described_and_anything_else_comes_from_the_passages(
    language: str, system: str, rule: str, alone: str
) -> None:
    said, question = prompt((RED,), language=language).messages

    assert system in said.content
    assert rule in question.content.splitlines()[-1]
    assert question.images == (RED,)
    assert alone in prompt((RED,), (), language=language).messages[-1].content.splitlines()[-1]


def test_a_prompt_without_pictures_says_nothing_of_them() -> None:
    assert not any("picture" in message.content for message in prompt(history=[Turn("A?", "B.")]).messages)


def test_each_turn_keeps_its_own_pictures() -> None:
    built = prompt((BLUE,), history=[Turn("One?", "A.", (), (RED,)), Turn("Two?", "B.")])

    assert [message.images for message in built.messages] == [(), (RED,), (), (), (), (BLUE,)]


def test_the_turn_before_reads_the_same_once_it_is_history() -> None:
    asked = prompt((RED,)).messages
    later = prompt(history=[Turn("What is this?", "A kettle.", (PASSAGE,), (RED,))]).messages

    assert later[: len(asked)] == asked


def test_earlier_pictures_go_with_their_turns_when_room_is_short() -> None:
    history = [Turn("One?", "A.", (), (RED,)), Turn("Two?", "B.", (), (RED,))]

    last_kept = prompt((BLUE,), history=history, room=2500)
    none_kept = prompt((BLUE,), history=history, room=1500)

    assert [one.images for one in last_kept.messages if one.images] == [(RED,), (BLUE,)]
    assert [one.images for one in none_kept.messages if one.images] == [(BLUE,)]
    assert (last_kept.dropped_turns, none_kept.dropped_turns) == (1, 2)
    assert none_kept.fits


def test_with_its_turn_gone_the_system_message_forgets_the_picture() -> None:
    built = prompt(history=[Turn("One?", "A.", (), (RED,))], room=500)

    assert built.dropped_turns == 1
    assert "picture" not in built.messages[0].content


def test_passages_go_before_the_questions_own_pictures_which_stay() -> None:
    built = prompt((RED, BLUE), room=1000)

    assert (built.dropped_passages, built.fits) == (1, False)
    assert built.messages[-1].images == (RED, BLUE)
