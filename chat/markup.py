"""One Markdown block of model text → safe HTML: the parser and what it writes.

Two walls: the parser never passes HTML through (`html` is off, images and reference links do not exist),
and chat/sanitise.py then keeps only what it lists.
"""

import re
import unicodedata
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from chat.codeblocks import code_html
from chat.maths import add_maths, to_mathml
from chat.sanitise import clean

Env = MutableMapping[str, object]

# A [n] followed by an address in parentheses is a link, not a citation.
CITATION = re.compile(r"\[(\d{1,3})\](?!\(\S{0,500}\))")
_HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
_READS_ALONE = {"paragraph_open", "heading_open", "list_item_open", "th_open", "td_open"}
_HOLDS_OTHERS = {"bullet_list_open", "ordered_list_open", "blockquote_open", "table_open"}
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_LINK_TEXT_HOST = re.compile(r"(?:https?://)?([^/\s?#]+)", re.I)
_ADDRESS = re.compile(r"[^\s@<>\"']+@[a-z0-9.-]+", re.I)


@dataclass(frozen=True, slots=True)
class SourceLabel:
    """How a citation shows a source: its number in the reply, the page (None: no pages), the title."""

    n: int
    page: int | None = None
    title: str = ""


def block_html(source: str, labels: Mapping[int, SourceLabel]) -> str:
    """Return one block of Markdown as sanitised HTML; only [n] of `labels` become citations."""
    env: Env = {"labels": labels}
    md = parser()
    tokens = md.parse(source, env)
    _set_directions(tokens)
    return clean(md.renderer.render(tokens, md.options, env)).strip()


@cache
def parser() -> MarkdownIt:
    """Return the one parser: CommonMark without HTML, images and reference links, with tables and maths."""
    md = MarkdownIt("commonmark", {"html": False, "linkify": False}, renderer_cls=_Renderer)
    md.enable(["table", "strikethrough"])
    md.disable(["image", "reference", "html_block", "html_inline"])
    add_maths(md)
    md.inline.ruler.before("link", "citation", _citation)
    md.validateLink = _is_safe_link  # type: ignore[method-assign]
    md.normalizeLinkText = lambda link: md.normalizeLink(link)  # type: ignore[method-assign]
    return md


def _citation(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or state.linkLevel:
        return False
    found = CITATION.match(state.src, state.pos, state.posMax)
    labels = state.env.get("labels", {})
    if found is None or int(found[1]) not in labels:
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")  # the mark stays with the word before it
        state.push("citation", "a", 0).content = found[1]
    state.pos = found.end()
    return True


def _is_safe_link(url: str) -> bool:
    """Whether a link may become an anchor: absolute, http, https or mailto, no credentials, a plain host."""
    if url.lower().startswith("mailto:"):
        return _ADDRESS.fullmatch(unquote(url[7:].split("?", 1)[0])) is not None
    if not url.lower().startswith(("http://", "https://")):
        return False
    try:
        netloc = urlsplit(url).netloc.lower()
    except ValueError:
        return False
    host, colon, port = netloc.rpartition(":") if not netloc.endswith("]") else (netloc, "", "")
    return _HOST.fullmatch(host if colon else netloc) is not None and (not colon or port.isdecimal())


def _set_directions(tokens: Sequence[Token]) -> None:
    """Let leaves find their own direction; give what holds them that of its first letter.

    (`dir=auto` on a list would not look into items that have a `dir` of their own.)
    """
    waiting: list[Token] = []
    for token in tokens:
        if token.type in _READS_ALONE:
            token.attrSet("dir", "auto")
        elif token.type in _HOLDS_OTHERS:
            waiting.append(token)
        elif token.type == "inline" and waiting and (direction := _direction(token.content)):
            for holder in waiting:
                holder.attrSet("dir", direction)
            waiting = []


def _direction(text: str) -> str:
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return ""


class _Renderer(RendererHTML):
    """Writes the product's own shapes for code, tables, maths, links and citations."""

    def citation(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        n = int(tokens[idx].content)
        labels: Mapping[int, SourceLabel] = env["labels"]  # type: ignore[assignment]
        page = _("p. %(page)s") % {"page": labels[n].page} if labels[n].page is not None else ""
        name = _("Source %(n)s") % {"n": n}
        spoken = escape(", ".join(part for part in (name, labels[n].title, page) if part))
        shown = f"&nbsp;<span>{escape(page)}</span>" if page else ""
        return (
            f'\u2060<a class="cite" href="#source-{n}" data-n="{n}" dir="auto" aria-label="{spoken}">'
            f"<b>{n}</b>{shown}</a>"
        )

    def math_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return to_mathml(tokens[idx].content, is_display=False)

    def math_inline_double(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return to_mathml(tokens[idx].content, is_display=True)

    def math_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<div class="maths">{to_mathml(tokens[idx].content, is_display=True)}</div>\n'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return code_html(tokens[idx].content, tokens[idx].info.strip().split(" ")[0][:40])

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return code_html(tokens[idx].content, "")

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<code dir="ltr">{escape(tokens[idx].content)}</code>'

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<{_HEADINGS[tokens[idx].tag]} dir="auto">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f"</{_HEADINGS[tokens[idx].tag]}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return '<div class="prose-table">' + self.renderToken(tokens, idx, options, env)

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<th scope="col"{_number_class(tokens[idx])} dir="auto">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<td{_number_class(tokens[idx])} dir="auto">'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        href = escape(str(tokens[idx].attrGet("href")))
        return f'<a href="{href}" title="{href}" target="_blank">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        opening = idx - 1
        while tokens[opening].type != "link_open":
            opening -= 1
        text = "".join(token.content for token in tokens[opening + 1 : idx]).strip()
        target = _unseen_target(str(tokens[opening].attrGet("href")), text)
        return f'</a> <span class="link-host" dir="ltr">({escape(target)})</span>' if target else "</a>"


def _number_class(token: Token) -> str:
    return ' class="num"' if "right" in str(token.attrGet("style") or "") else ""


def _unseen_target(url: str, text: str) -> str:
    """Return the host (or mail address) a link leads to, "" where the link's own text says it."""
    if url.lower().startswith("mailto:"):
        address = unquote(url[7:].split("?", 1)[0])
        return "" if text.lower() in (address.lower(), url.lower()) else address
    host = urlsplit(url).netloc.lower()
    said = _LINK_TEXT_HOST.match(text)
    return "" if said is not None and said[1].lower() == host else host
