"""Markdown: headings become the path, marks of emphasis go, code and tables stay readable."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from knowledge.extract.clean import clean, clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.formats import Source
from knowledge.extract.sections import Sections
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)?(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title\s*[:=]\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MAX_NESTING = 60


def read(source: Source) -> ExtractedText:
    """Read a Markdown file (CommonMark, tables, mathematics between dollars, front matter).

    Raises: Refused (type_mismatch, bad_encoding, too_large).
    """
    text, encoding = decode(source.file.read())
    text = clean(text)
    title = ""
    front = _FRONT_MATTER.match(text)
    if front:
        named = _FRONT_TITLE.search(front[2] or "")
        title = clean_line(named[1]) if named else ""
        text = text[front.end() :]
    sections = Sections()
    _write(_parser().parse(text), sections)
    warnings = (f"encoding_guessed:{encoding}",) if encoding else ()
    title = title or sections.first_heading or clean_line(source.stem)
    return ExtractedText(title, sections.finish(), None, "markdown", warnings)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False)


def _write(tokens: Sequence[Token], sections: Sections) -> None:
    index, items = 0, _Items()
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open":
            sections.heading(int(token.tag[1:]), inline_text(tokens[index + 1]))
            index += 2
        elif token.type == "table_open":
            end = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
            sections.rows(table_text(_table(tokens[index:end])))
            index = end
        elif token.type in ("fence", "code_block", "math_block"):
            sections.verbatim(token.content.strip("\n"))
        elif token.type == "html_block":
            sections.paragraph(strip_tags(token.content))
        elif not items.take(token, sections) and token.type == "inline":
            sections.paragraph(inline_text(token))
        index += 1


class _Items:
    """The list being read, with the bullet or number of the item that comes next."""

    def __init__(self) -> None:
        self._markers: list[str] = []
        self._fresh = False

    def take(self, token: Token, sections: Sections) -> bool:
        """Take what belongs to a list; return False for anything else."""
        if token.type in ("bullet_list_open", "ordered_list_open"):
            self._markers.append("-")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._markers.pop()
        elif token.type == "list_item_open":
            self._markers[-1] = f"{token.info}{token.markup}" if token.info else "-"
            self._fresh = True
        elif token.type == "inline" and self._markers:
            if self._fresh:
                sections.item(f"{self._markers[-1]} {inline_text(token)}")
            else:
                sections.paragraph(inline_text(token))
            self._fresh = False
        else:
            return False
        return True


def inline_text(token: Token) -> str:
    """Return the words of a paragraph: no marks, links by their text, pictures by their description."""
    parts: list[str] = []
    target, start = "", 0
    for child in token.children or ():
        if child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" " if child.type == "softbreak" else "\n")
        elif child.type == "math_inline":
            parts.append(f"${child.content}$")
        elif child.type == "image":
            parts.append(child.content)
        elif child.type == "html_inline":
            parts.append(strip_tags(child.content))
        elif child.type == "link_open":
            target = str(child.attrGet("href") or "")
            start = len(parts)
        elif child.type == "link_close":
            words = "".join(parts[start:]).strip()
            if target.startswith(("http://", "https://")) and words not in (
                target,
                target.partition("//")[2],
            ):
                parts.append(f" ({target})")
    return "".join(parts)


def strip_tags(markup: str) -> str:
    """Return the text of raw HTML inside Markdown."""
    return html.unescape(_TAG.sub(" ", _COMMENT.sub(" ", markup)))


def _table(tokens: Sequence[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline_text(token))
    return rows
