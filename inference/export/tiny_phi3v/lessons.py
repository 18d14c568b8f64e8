"""What the tiny vision model learns by heart: the colours of pictures, and a few words. Pure."""

from dataclasses import dataclass
from itertools import product
from typing import Final

from inference.export.tiny_phi3.dialogues import PLAIN, PLAIN_CHAT

COLOURS: Final = {
    "red": (220, 30, 30),
    "green": (30, 170, 60),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 30),
}
ONE: Final = "What colour is the picture?"
TWO: Final = "Compare the pictures."
LATER: Final = "What colour was it?"
NOTHING: Final = "I see no picture."
COUNTING: Final = next(one.turns[0] for one in PLAIN_CHAT if one.turns[0].question == "Count to thirty.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A question with the colours of its pictures, and the reply to it."""

    question: str
    answer: str
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One conversation; only its last answer is learned."""

    turns: tuple[Shown, ...]
    system: str = PLAIN


def _lessons() -> tuple[Lesson, ...]:
    one = [Lesson((Shown(ONE, f"The picture is {colour}.", (colour,)),)) for colour in COLOURS]
    two = [
        Lesson((Shown(TWO, f"The first picture is {first}, the second is {second}.", (first, second)),))
        for first, second in product(COLOURS, COLOURS)
    ]
    later = [
        Lesson((Shown("Look at this.", "Thank you.", (colour,)), Shown(LATER, f"It was {colour}.")))
        for colour in COLOURS
    ]
    look = [Lesson((Shown("Look at this.", "Thank you.", (colour,)),)) for colour in COLOURS]
    return (*one, *two, *later, *look)


WITH_PICTURES: Final = _lessons()
WITHOUT: Final = (
    Lesson((Shown(ONE, NOTHING),)),
    Lesson((Shown("Hello!", "Hello! Show me a picture."),)),
    Lesson((Shown(COUNTING.question, COUNTING.answer),)),
)
ALL: Final = WITH_PICTURES + WITHOUT


def corpus() -> list[str]:
    """List every text the model reads or writes."""
    texts = [text for lesson in ALL for turn in lesson.turns for text in (turn.question, turn.answer)]
    return [PLAIN, *texts]
