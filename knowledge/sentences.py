"""Where sentences begin and end, in many scripts. Pure."""

import re
import unicodedata
from typing import Final

MAX_SENTENCE_CHARS: Final = 600  # a longer one is cut at a space: tables and logs have no full stops
MAX_DENSE_CHARS: Final = 200  # where there is no space either, as in Chinese: about as much to read

# Ends by themselves: ideographic full stops, Arabic and Devanagari marks, Ethiopic, Khmer, Burmese.
_ALWAYS: Final = "。！？｡؟۔।॥።፧។៕၊။"
_CLOSING: Final = "\"'”’»)\\]）」』】》›׳״"
_END: Final = re.compile(f"(?:[{_ALWAYS}]+|[.!?…]+(?=[{_CLOSING}]*(?:\\s|$)))[{_CLOSING}]*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[\"'“])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|cf|al|No|Nos|pp?|vol|ed|eds|approx|ca|"
    r"Fig|Figs|Eq|Inc|Ltd|Co|Corp|U\.S|U\.K|a\.m|p\.m|z\.B|d\.h|bzw|usw|Nr|Art|Abs|ул|г|им|т\.е|др|פרופ|ד״ר|גב|עמ)\.$"
)
_NUMBERED: Final = re.compile(r"^\s*(?:\d{1,3}|[a-zA-Z])\.$")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences: code points [start, end), in order, without the white space around them.

    A line's end always ends a sentence, so that list items and table rows are sentences of their own.
    Every character that is not white space lies in exactly one sentence.
    """
    found: list[tuple[int, int]] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        for start, end in _split_line(line):
            found.extend(_cut(text, offset + start, offset + end))
        offset += len(line)
    return found


def _split_line(line: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for match in _END.finditer(line):
        if _ends_here(line, start, match):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(line)))
    return spans


def _ends_here(line: str, start: int, match: re.Match[str]) -> bool:
    """Tell an end from an abbreviation, an initial or a list number; decimals never match."""
    if match[0][0] != ".":
        return True
    so_far = line[start : match.start() + 1]
    if _NUMBERED.match(so_far):
        return False
    following = line[match.end() :].lstrip()
    if following and unicodedata.category(following[0]) == "Ll":
        return match[0] not in {".", "..."} and not match[0].startswith("..")
    return not (match[0] == "." and following and _ABBREVIATION.search(so_far))


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Trim white space, and cut what is far too long at spaces (or anywhere, without any)."""
    spans: list[tuple[int, int]] = []
    while True:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            return spans
        limit = _limit(text, start)
        if end - start <= limit:
            return [*spans, (start, end)]
        space = text.rfind(" ", start + limit // 2, start + limit)
        stop = space if space > 0 else start + limit
        spans.append((start, stop))
        start = stop


def _limit(text: str, start: int) -> int:
    has_spaces = text[start].isascii() or " " in text[start : start + MAX_DENSE_CHARS]
    return MAX_SENTENCE_CHARS if has_spaces else MAX_DENSE_CHARS
