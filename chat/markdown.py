"""Model text → safe HTML, block by block: the only place that makes HTML from model output.

A reply is cut into its top-level Markdown blocks, and each block becomes HTML from its own source alone,
so a streamed block and the same block of the finished text can't differ. How one block becomes HTML is
in chat/markup.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it.token import Token

from chat.markup import SourceLabel, block_html, parser
from chat.maths import OPEN_AT

__all__ = ["Block", "BlockStreamer", "SourceLabel", "render", "render_document"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_OVER_AT_ONCE = {"heading_open", "hr", "math_block"}
_OVER_AFTER_BLANK = {"paragraph_open", "table_open", "blockquote_open"}
# Lines that can be read later: with them alone the open block most likely goes on.
_GOES_ON = {
    "bullet_list_open": re.compile(r"[ \t\-+*\d\r\n]"),
    "ordered_list_open": re.compile(r"[ \t\-+*\d\r\n]"),
    "code_block": re.compile(r"[ \t\r\n]"),
    "fence": re.compile(r"(?![ \t]*[`~])"),
    "table_open": re.compile(r"[ \t]*\|"),
    "blockquote_open": re.compile(r" {0,3}>"),
}
_GOES_ON_AFTER_BLANK = {"bullet_list_open", "ordered_list_open", "code_block"}
_CLOSED_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")
_PATIENCE_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Block:
    """The block's number from 0, its code points [start, end) of the text, and its safe HTML.

    A block begins where the last one ends (blank lines before it are its own); white space after the
    last block belongs to none.
    """

    index: int
    start: int
    end: int
    html: str


def render(text: str, sources: Sequence[SourceLabel]) -> list[Block]:
    """Return all blocks of a finished text."""
    return BlockStreamer(sources).finish(text)


def render_document(text: str, sources: Sequence[SourceLabel]) -> SafeString:
    """Return a finished text as HTML, every block in the same wrapper that the page gives a streamed one."""
    parts = [
        format_html(
            '<div class="block" data-block="{}" data-start="{}" data-end="{}">{}</div>',
            *(block.index, block.start, block.end),
            mark_safe(block.html),  # noqa: S308 - sanitised in block_html
        )
        for block in render(text, sources)
    ]
    return SafeString("\n".join(parts))


class BlockStreamer:
    """Turns a growing text into blocks, each returned once, as soon as nothing later can change it."""

    def __init__(self, sources: Sequence[SourceLabel]) -> None:
        """Remember which numbers are sources."""
        self._labels: Mapping[int, SourceLabel] = {source.n: source for source in sources}
        self._index = 0
        self._done = 0
        self._read = 0
        self._next_parse = 0
        self._has_peeked = False
        self._open_kind = ""

    def feed(self, text: str) -> list[Block]:
        """Return the blocks that became final; `text` is all there is so far."""
        start, stop = self._read, _end_of_last_line(text, self._read)
        goes_on = _GOES_ON.get(self._open_kind)
        if stop > start:
            self._read, self._has_peeked = stop, False
            if stop < self._next_parse or (
                goes_on and all(map(goes_on.match, _LINE.findall(text, start, stop)))
            ):
                return []
            return self._emit(text, self._final_ends(text, stop, ""))
        if goes_on and len(text) > stop and not self._has_peeked:
            self._has_peeked = True
            if self._open_kind in _GOES_ON_AFTER_BLANK and not goes_on.match(text, stop):
                return self._emit(text, self._final_ends(text, stop, text[stop]))
        return []

    def finish(self, text: str) -> list[Block]:
        """Return what `feed` has not: the rest of the finished text."""
        _tokens, ends, _open_at = _cut(text, self._done, len(text))
        return self._emit(text, ends)

    def _emit(self, text: str, ends: Sequence[int]) -> list[Block]:
        blocks = []
        for end in ends:
            html = block_html(text[self._done : end], self._labels)
            blocks.append(Block(self._index, self._done, end, html))
            self._index += 1
            self._done = end
        return blocks

    def _final_ends(self, text: str, stop: int, following: str) -> list[int]:
        """Return where the blocks end that are final once the lines before `stop` are known.

        following: the first character of the line after them, "" while it is unknown.
        """
        tokens, ends, open_at = _cut(text, self._done, stop)
        self._open_kind = tokens[-1].type if tokens and open_at > stop else ""
        while ends and ends[-1] > open_at:
            tokens.pop()
            ends.pop()
        if not ends:
            return []
        kind, end = tokens[-1].type, ends[-1]
        has_blank = open_at > end and text[end : min(open_at, stop)].strip(" \t") != ""
        last = text[self._done if len(ends) < 2 else ends[-2] : end]
        is_over = (
            kind in _OVER_AT_ONCE
            or (kind == "fence" and _is_closed(last, tokens[-1].markup))
            or (has_blank and kind in _OVER_AFTER_BLANK)
            or (has_blank and kind in _GOES_ON_AFTER_BLANK and open_at > stop and _ends_by(kind, following))
        )
        if is_over:
            self._open_kind = ""
        rest = stop - (end if is_over else ends[-2] if len(ends) > 1 else self._done)
        self._next_parse = stop + rest // 8 if rest > _PATIENCE_CHARS else 0
        return ends if is_over else ends[:-1]


def _end_of_last_line(text: str, start: int) -> int:
    """Return where the last complete line ends; a final CR may still become CR LF."""
    stop = len(text) - 1 if text.endswith("\r") else len(text)
    return max(text.rfind("\n", start, stop), text.rfind("\r", start, stop), start - 1) + 1


def _cut(text: str, start: int, stop: int) -> tuple[list[Token], list[int], int]:
    """Cut text[start:stop] into top-level blocks: opening tokens, where each ends, where maths is open."""
    lines = [found.end() for found in _LINE.finditer(text, start, stop)]
    source = text[start:stop].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    tokens: list[Token] = []
    env: dict[str, int] = {}
    md = parser()
    md.block.parse(source, md, env, tokens)
    opening = [token for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
    ends = [_last_written(text, lines, token.map[1] - 1) for token in opening if token.map]
    open_line = env.get(OPEN_AT)
    open_at = stop + 1 if open_line is None else (lines[open_line - 1] if open_line else start)
    return opening, ends, open_at


def _last_written(text: str, lines: Sequence[int], number: int) -> int:
    """Return where the last line that is not blank ends, at or before a line."""
    while number and not text[lines[number - 1] : lines[number]].strip(" \t\r\n"):
        number -= 1
    return lines[number]


def _ends_by(kind: str, following: str) -> bool:
    return following != "" and not _GOES_ON[kind].match(following)


def _is_closed(fence: str, markup: str) -> bool:
    lines = re.split(r"[\r\n]+", fence.strip(" \t\r\n"))
    closing = _CLOSED_FENCE.fullmatch(lines[-1]) if len(lines) > 1 else None
    return closing is not None and closing[1].startswith(markup)
