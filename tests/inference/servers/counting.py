"""The model of the wire servers: it counts to thirty, whatever it is asked; held to a schema it says yes."""

import re
from collections.abc import Mapping
from typing import Final

IMAGE_TOKENS: Final = 300
YES = '{"answer": "yes"}'

NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five "
    "twenty-six twenty-seven twenty-eight twenty-nine thirty"
)


def words(limit: object, *, is_guided: bool = False) -> list[str]:
    """Say at most `limit` tokens, each a word with its space."""
    text = YES if is_guided else NUMBERS
    said = [word if at == 0 else f" {word}" for at, word in enumerate(text.split())]
    return said[: limit if isinstance(limit, int) else None]


def prompt_tokens(body: Mapping[str, object]) -> int:
    """Count words, roughly as a tokenizer would, and images."""
    messages = body["messages"]
    assert isinstance(messages, list)
    return sum(3 + _tokens(message) for message in messages)


def _tokens(message: Mapping[str, object]) -> int:
    content, images = message["content"], message.get("images")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [str(part["text"]) for part in parts if part["type"] == "text"]
    tags = sum(text.count("<img ") for text in texts)
    seen = tags + len(parts) - len(texts) + (len(images) if isinstance(images, list) else 0)
    return seen * IMAGE_TOKENS + sum(len(re.sub("<img [^>]*>", "", text).split()) for text in texts)
