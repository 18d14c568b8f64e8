"""The prompt layout of a grounded answer, as the tiny model is trained on it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of a grounded prompt in one language."""

    passages: str
    question: str
    rule: str


ENGLISH = Words("Passages:", "Question:", "Answer only from the passages and cite them like [1].")
HEBREW = Words("קטעים:", "שאלה:", "ענה רק מתוך הקטעים וציין את מספריהם כך: [1].")
ARABIC = Words("المقاطع:", "السؤال:", "أجب من المقاطع فقط واذكر أرقامها هكذا: [1].")


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


def words_for(text: str) -> Words:
    """Choose the language of the fixed words by the script of `text`."""
    if any("\u0590" <= letter <= "\u05ff" for letter in text):
        return HEBREW
    return ARABIC if any("\u0600" <= letter <= "\u06ff" for letter in text) else ENGLISH


def user_message(question: str, passages: Sequence[Passage]) -> str:
    """Write a user's message: numbered passages, the best ([1]) nearest to the question, then the rule.

    Without passages it is the bare question.
    """
    if not passages:
        return question
    words = words_for(question)
    blocks = [f"[{n}] ({passage.heading})\n{passage.text}" for n, passage in enumerate(passages, start=1)]
    quoted = "\n\n".join(reversed(blocks))
    return f"{words.passages}\n{quoted}\n\n{words.question} {question}\n{words.rule}"
