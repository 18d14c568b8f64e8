"""From lines as they were printed to paragraphs as they were meant: pure, shared by PDF and plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ITEM = re.compile(r"^(?:[-–—*•▪◦‣●○■□·]\s|\(?\d{1,3}(?:\.\d{1,3})*[.)]\s|\(?[a-zA-Z][.)]\s)")
_SENTENCE_END = re.compile(r"[.!?…:;。！？؟]['\"”’)\]]*$")
_SPACELESS = re.compile("[\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_HYPHENATED = re.compile(r"[^\W\d_]{2,}-$")
_FULL = 0.72
_MIN_WIDTH = 36


def paragraphs(lines: Sequence[str]) -> list[str]:
    """Join printed lines into paragraphs.

    A line that reaches the usual width goes on in the next one; short lines that end no sentence
    (rows, addresses, verses) stay lines of one paragraph; blank lines always part.
    """
    width = usual_width(lines)
    known = {word.casefold() for line in lines for word in re.findall(r"\w+(?:-\w+)*", line)}
    done: list[str] = []
    current, previous = "", ""
    for line in lines:
        if not line:
            _keep(done, current)
            current = ""
        elif not current:
            current = line
        elif _goes_on(previous, line, width):
            current = join(current, line, known)
        elif _SENTENCE_END.search(previous):
            _keep(done, current)
            current = line
        else:
            current += "\n" + line
        previous = line
    _keep(done, current)
    return done


def _goes_on(previous: str, line: str, width: int) -> bool:
    if len(previous) < max(width * _FULL, _MIN_WIDTH) or _ITEM.match(line):
        return False
    # A paragraph may end in a full line; what follows then is its last words, or a heading or row.
    is_short = len(line) < width * 0.5
    return not (is_short and _SENTENCE_END.search(previous) and not _SENTENCE_END.search(line))


def usual_width(lines: Sequence[str]) -> int:
    """Return the width most full lines reach, in characters."""
    lengths = sorted(len(line) for line in lines if line)
    return lengths[int(len(lengths) * 0.85)] if lengths else 0


def join(first: str, second: str, known: set[str]) -> str:
    """Join two printed lines of one sentence; a word cut by a hyphen becomes whole.

    `known` holds the document's words in lower case: a hyphen stays where the text has it elsewhere.
    """
    if _HYPHENATED.search(first) and second[:1].islower():
        head = re.split(r"\s", first)[-1]
        tail = (re.match(r"\w+", second) or [""])[0]
        keeps_hyphen = (head + tail).casefold() in known and (head[:-1] + tail).casefold() not in known
        return first + second if keeps_hyphen else first[:-1] + second
    if _SPACELESS.match(first[-1:]) and _SPACELESS.match(second[:1]):
        return first + second
    return f"{first} {second}"


def _keep(done: list[str], paragraph: str) -> None:
    if paragraph:
        done.append(paragraph)
