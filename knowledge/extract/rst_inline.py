"""The words of a reStructuredText paragraph: no marks, links by their text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MOST = 1000  # characters between two marks: an unclosed one must not search the whole text
_MARKS = re.compile(
    rf"""
      ``(?P<literal>.{{1,{_MOST}}}?)``(?!`)
    | (?::[A-Za-z][\w:.+-]{{0,60}}:|_)?`(?P<phrase>[^`]{{1,{_MOST}}})`(?:__?|:[A-Za-z][\w:.+-]{{0,60}}:)?
    | \*\*(?P<strong>[^\s*](?:[^*]{{0,{_MOST}}}[^\s*])?)\*\*
    | (?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]{{0,{_MOST}}}[^\s*])?)\*(?![\w*])
    | (?<!\w)\|(?P<substitution>[^\s|](?:[^|]{{0,200}}[^\s|])?)\|_{{0,2}}
    | (?P<note>\[[#*\w-]{{1,60}}\])_(?!\w)
    | (?<![\w`])(?P<reference>[^\W_](?:[\w.+-]{{0,80}}[^\W_])?)__?(?!\w)
    | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TARGET = re.compile(r"\A(?P<words>.*?)\s*<(?P<target>[^<>]+)>\Z", re.DOTALL)
_SUBSTITUTION = re.compile(r"^[ ]*\.\. \|([^|\n]+)\| replace::[ ]*(.*)$", re.MULTILINE)


def substitutions(text: str) -> dict[str, str]:
    """Return what a document says its |names| stand for."""
    return {name.strip(): value.strip() for name, value in _SUBSTITUTION.findall(text)}


def plain(text: str, names: Mapping[str, str]) -> str:
    """Return text without its inline marks."""
    return _MARKS.sub(lambda match: _words(match, names), text)


def _words(match: re.Match[str], names: Mapping[str, str]) -> str:
    kind, words = match.lastgroup, match[str(match.lastgroup)]
    if kind == "phrase":
        return _phrase(words)
    if kind == "substitution":
        return names.get(words, words)
    if kind == "escaped":
        return "" if words.isspace() else words
    return words


def _phrase(words: str) -> str:
    link = _TARGET.match(words)
    if link is None:
        return words.removeprefix("~").removeprefix("!")
    if not link["target"].startswith(("http://", "https://")):
        return link["words"] or link["target"]
    return f"{link['words']} ({link['target']})" if link["words"] else link["target"]
