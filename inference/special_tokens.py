"""Control tokens in anybody's text: taken apart, so that no tokenizer reads them as control tokens. Pure.

A user's question or an uploaded document may hold `<|end|>` or `<|system|>`, as itself, in full-width
letters, or with invisible characters inside. Left alone it would end the turn and open another one.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from inference.types import ChatMessage

# Phi's control tokens, for engines whose tokenizer is out of reach; all of `<|name|>` goes as well.
KNOWN: Final = ("<s>", "</s>", "<unk>", "<pad>", "<0x0A>")
_SHAPE: Final = re.compile(r"<\|/?[\w.\-]{1,40}\|>")
_INVISIBLE_MARKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


def neutralise(text: str, specials: Iterable[str] = KNOWN) -> str:
    """Put a space after the first character of every control token found in `text`.

    Looked for in the NFKC form without invisible characters, so that neither a later normalisation
    nor a reader who drops them brings one back. NUL, which ends a text for native code, is dropped.
    All other text stays as it is.
    """
    text = text.replace("\x00", "")
    listed = sorted({special for special in specials if special.strip()}, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, listed), _SHAPE.pattern]))
    while True:
        folded, origins = _fold(text)
        match = pattern.search(folded)
        if match is None:
            return text
        pieces, done = [], 0
        for match in pattern.finditer(folded):
            start, end = origins[match.start()], origins[match.end() - 1] + 1
            pieces += [text[done:start], match[0][0], " ", match[0][1:]]
            done = max(done, end)
        text = "".join([*pieces, text[done:]])


def neutralise_messages(messages: Sequence[ChatMessage], specials: Iterable[str]) -> list[ChatMessage]:
    """Neutralise every message, whoever speaks it."""
    listed = tuple(specials)
    return [replace(message, content=neutralise(message.content, listed)) for message in messages]


def fold_system(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Move the system text into the first user turn, for models that know no system role."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    if not system.strip():
        return others
    for at, message in enumerate(others):
        if message.role == "user":
            others[at] = replace(message, content=f"{system}\n\n{message.content}")
            return others
    return others


def _fold(text: str) -> tuple[str, list[int]]:
    """Fold `text` character by character; the second value says where each folded one came from."""
    folded: list[str] = []
    origins: list[int] = []
    for at, character in enumerate(text):
        if _is_invisible(character):
            continue
        for plain in unicodedata.normalize("NFKC", character) if character > "\x7f" else character:
            folded.append(plain)
            origins.append(at)
    return "".join(folded), origins


def _is_invisible(character: str) -> bool:
    if "\x20" <= character < "\x7f" or character in "\n\r\t":
        return False
    return (
        unicodedata.category(character) in {"Cf", "Cc"}
        or character in _INVISIBLE_MARKS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
