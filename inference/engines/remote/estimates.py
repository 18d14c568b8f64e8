"""How many tokens a text is at most, where the tokenizer is out of reach. Pure.

Measured on the tokenizer of Phi-3 and Phi-3.5 (32k): English 1.53 tokens a word and 4.73 characters
a token, Hebrew 5.81 a word and 1.08 characters a token, Arabic 5.27 a word. The rules below lie above
all of them: English by half, since other languages in Latin letters need that much, Hebrew and Arabic
by a tenth. Phi-4's larger vocabularies need fewer.
"""

import re
from collections.abc import Sequence
from typing import Final

from inference.image_tokens import count_images
from inference.types import ChatMessage

MESSAGE_TOKENS: Final = 6  # role and end marks of the template
REPLY_TOKENS: Final = 8  # the beginning of the text, and the mark that asks for the reply
LETTERS_A_TOKEN: Final = 3

_WORD: Final = re.compile(r" ?[A-Za-z]+| +|[^A-Za-z ]")  # a single space belongs to the Latin word behind it


def count_text(text: str) -> int:
    """Count the tokens of a text, rather too many than too few."""
    return sum(_tokens(piece) for piece in _WORD.findall(text))


def count_messages(messages: Sequence[ChatMessage]) -> int:
    """Count the tokens of a prompt, template and images included.

    Images are counted as the Phi vision models cut them, which is more than most others make of them.
    """
    texts = sum(MESSAGE_TOKENS + count_text(message.content) for message in messages)
    return REPLY_TOKENS + texts + count_images(messages)


def _tokens(piece: str) -> int:
    last = piece[-1]
    if last < "\x80":
        return -(-len(piece.strip()) // LETTERS_A_TOKEN) if last.isalpha() else 1
    if last < "\u0590":
        return 1  # accented Latin, Greek, Cyrillic: less in truth
    if last < "\u0700":
        return 1 if last.isalpha() else 2  # Hebrew, Arabic; points and vowel marks are two bytes
    return 2 if last < "\U00010000" else 4  # a character of the vocabulary, or its bytes; emoji
