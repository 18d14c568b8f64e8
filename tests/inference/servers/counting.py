"""The model of the wire servers: it counts to thirty, whatever it is asked."""

from collections.abc import Mapping

NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five "
    "twenty-six twenty-seven twenty-eight twenty-nine thirty"
)


def words(limit: object) -> list[str]:
    """Say at most `limit` tokens, each a word with its space."""
    said = [word if at == 0 else f" {word}" for at, word in enumerate(NUMBERS.split())]
    return said[: limit if isinstance(limit, int) else None]


def prompt_tokens(body: Mapping[str, object]) -> int:
    """Count words, roughly as a tokenizer would."""
    messages = body["messages"]
    assert isinstance(messages, list)
    return sum(3 + len(str(message["content"]).split()) for message in messages)
