"""Character-level cleaning that every format shares: pure, no I/O.

Niqqud, harakat, joiners inside words and emoji stay; what cannot be seen or would reorder text goes.
"""

from __future__ import annotations

import re
import unicodedata

# Letters that exist only for old fonts: Latin and Armenian ligatures, wide Hebrew, Arabic shapes.
_PRESENTATION = re.compile("[\ufb00-\ufdfb\ufe70-\ufefc]+")
_LINE_BREAKS = re.compile("\r\n|[\r\v\x85\u2028]")
_PARAGRAPH_BREAKS = re.compile("[\f\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0 and C1 controls but tab, newline
    "\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"  # soft hyphen, direction marks
    "\ud800-\udfff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"  # halves of characters, tags
)
# A zero-width space parts words only where the script writes none (Thai, Lao, Myanmar, Khmer).
_ZERO_WIDTH_SPACE = re.compile("(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
_BULLETS = re.compile("[\uf0a7\uf0b7\uf0d8\uf076\uf0fc]")  # how Symbol and Wingdings draw them
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_GARBAGE = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010fffd\x00-\x08\x0e-\x1f]")
_GLYPH_NAMES = re.compile(r"(?:/[A-Za-z]{0,5}\d{1,5}|\(cid:\d+\))")
_RUNS = re.compile("[ \t]+")
_BLANK_LINES = re.compile("\n{3,}")


def clean(text: str) -> str:
    """Return text in NFC without control, direction and invisible characters; line breaks are "\\n"."""
    text = _LINE_BREAKS.sub("\n", text)
    text = _PARAGRAPH_BREAKS.sub("\n\n", text)
    text = _SPACES.sub(" ", text)
    text = _INVISIBLE.sub("", text)
    text = _ZERO_WIDTH_SPACE.sub("", text)
    text = _PRIVATE.sub("", _BULLETS.sub("•", text))
    text = _PRESENTATION.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return unicodedata.normalize("NFC", text)


def clean_line(text: str) -> str:
    """Return cleaned text on one line, with single spaces."""
    return " ".join(clean(text).split())


def tidy(text: str) -> str:
    """Return cleaned prose: single spaces, no space at line ends, at most one blank line in a row."""
    lines = (_RUNS.sub(" ", line).strip() for line in clean(text).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def garbage_share(text: str) -> float:
    """Return the share of characters that are no text: replacement, private use, glyph names (0 to 1)."""
    visible = sum(not character.isspace() for character in text)
    if not visible:
        return 0.0
    names = sum(len(match[0]) for match in _GLYPH_NAMES.finditer(text))
    return (len(_GARBAGE.findall(text)) + names) / visible
