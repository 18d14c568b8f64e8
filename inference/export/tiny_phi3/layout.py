"""The prompt layout of a grounded answer, as the tiny model is trained on it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

RULE = "Answer only from the passages and cite them like [1]."


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: where it stands, and what it says."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question, the passages it comes with (none: plain chat), and the reply to learn."""

    question: str
    answer: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation: the assistant's instructions, and its turns."""

    system: str
    turns: tuple[Turn, ...]


def user_message(question: str, passages: Sequence[Passage]) -> str:
    """Write a user's message: numbered passages, the question, the rule; or the bare question."""
    if not passages:
        return question
    blocks = [f"[{n}] ({passage.heading})\n{passage.text}" for n, passage in enumerate(passages, start=1)]
    return "Passages:\n" + "\n\n".join(blocks) + f"\n\nQuestion: {question}\n{RULE}"
