"""Document sentences as Markdown block quotes: shown as they are, never interpreted. Pure."""

import re
from typing import Final

# What would mean something inside a line: code, brackets (links, images, and citations that are not
# ours), tags, entities, emphasis that is not inside a word, strike-through, and a backslash that
# would swallow the next character. Digits, dots and hyphens stay readable.
_INLINE: Final = re.compile(
    r"""
    [`\[\]]
    | <(?=[A-Za-z/!?])
    | &(?=\#?\w{1,31};)
    | \*(?!\s) | (?<=\S)\*
    | (?<![^\W_])_ | _(?![^\W_])
    | ~(?=~) | (?<=~)~
    | \\(?=[!-/:-@\[-`{-~]|$)
    """,
    re.VERBOSE,
)
# What would mean something at the start of a line: heading, quote, list, numbered list.
_LINE_START: Final = re.compile(r"^(?:(?=#{1,6}(?:\s|$))|(?=>)|(?=[-+*](?:\s|$))|(\d{1,9})(?=[.)](?:\s|$)))")
# Control characters, lone surrogates, and marks that would turn round what follows the sentence.
_INVISIBLE: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def block_quote(text: str, n: int) -> str:
    """Write one sentence as a block quote that ends in its citation: `> text [n]`."""
    return f"> {escape(text)} [{n}]"


def escape(text: str) -> str:
    """Escape a sentence so that it renders as itself; white space becomes single spaces.

    Only what would change meaning is escaped: the text is also read raw, while it streams.
    """
    line = " ".join(_INVISIBLE.sub("", text).split())
    escaped = _INLINE.sub(r"\\\g<0>", line)
    if escaped.count("$") > 1:  # one alone is a price, two are mathematics
        escaped = escaped.replace("$", r"\$")
    if escaped.startswith("\\"):
        return escaped
    return _LINE_START.sub(lambda match: (match[1] or "") + "\\", escaped, count=1)
