"""Mathematics in model text: `$…$`, `$$…$$`, `\\(…\\)` and `\\[…\\]` as Markdown rules and as MathML.

Prices stay prices: a dollar sign opens a formula only where the text reads like one.
"""

import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from chat.sanitise import MATHML_TAGS

MAX_FORMULA_CHARS = 1000
OPEN_AT = "math_open_at"

_CLOSERS = {"$$": "$$", "\\[": "\\]"}
_AFTER_BLOCK = re.compile(r"[ \t]*[.,;:]?[ \t]*")
_PRICE = re.compile(r"\d[\d.,]*(\s|$)")
_OTHER_LETTERS = re.compile(r"[^\W\d_a-zA-Z\u0370-\u03ff\u2100-\u214f]")
_TAG_NAME = re.compile(r"<[/!?]?([^\s/>]*)")
_MATH_TAG = re.compile(r"<math[^>]*>")


def add_maths(md: MarkdownIt) -> None:
    """Add the block rule and the inline rule to a parser."""
    alternatives = {"alt": ["paragraph", "blockquote", "list"]}
    md.block.ruler.before("fence", "math_block", _math_block, alternatives)  # type: ignore[arg-type]
    md.inline.ruler.before("escape", "math_inline", _math_inline)


def to_mathml(latex: str, *, is_display: bool) -> str:
    """Return MathML, or the escaped source as code where LaTeX can't be read or holds markup."""
    from latex2mathml.converter import convert
    from latex2mathml.exceptions import (
        DenominatorNotFoundError,
        DoubleSubscriptsError,
        DoubleSuperscriptsError,
        ExtraLeftOrMissingRightError,
        InvalidAlignmentError,
        InvalidStyleForGenfracError,
        InvalidWidthError,
        LimitsMustFollowMathOperatorError,
        MissingEndError,
        MissingSuperScriptOrSubscriptError,
        NoAvailableTokensError,
        NumeratorNotFoundError,
    )

    unreadable = (
        *(DenominatorNotFoundError, DoubleSubscriptsError, DoubleSuperscriptsError, MissingEndError),
        *(ExtraLeftOrMissingRightError, InvalidAlignmentError, InvalidStyleForGenfracError),
        *(InvalidWidthError, LimitsMustFollowMathOperatorError, MissingSuperScriptOrSubscriptError),
        *(NoAvailableTokensError, NumeratorNotFoundError),
        # What the converter raises by accident on malformed input.
        *(IndexError, KeyError, ValueError, TypeError, AttributeError, StopIteration, RecursionError),
        *(RuntimeError, AssertionError),
    )
    source = latex.strip()
    if len(source) <= MAX_FORMULA_CHARS:
        try:
            mathml = str(convert(source))
        except unreadable:
            pass
        else:
            if set(_TAG_NAME.findall(mathml)) <= MATHML_TAGS:
                return _MATH_TAG.sub('<math display="block">' if is_display else "<math>", mathml, count=1)
    return f'<code dir="ltr">{escape(source)}</code>'


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    r"""Read `$$` or `\[` at a line's start up to its closer, which ends a line; no blank line within.

    Where the text ends before either, the line is noted under OPEN_AT: more text may still close it.
    """
    if state.is_code_block(start_line):
        return False
    line = _line(state, start_line)
    closer = _CLOSERS.get(line[:2])
    if closer is None:
        return False
    parts: list[str] = []
    rest, number = line[2:], start_line
    while (at := rest.find(closer)) < 0:
        parts.append(rest)
        number += 1
        if number >= end_line:
            state.env[OPEN_AT] = min(start_line, state.env.get(OPEN_AT, start_line))
            return False
        rest = _line(state, number)
        if not rest.strip() or state.sCount[number] < state.blkIndent:
            return False
    parts.append(rest[:at])
    content = "\n".join(parts)
    if not content.strip() or not _AFTER_BLOCK.fullmatch(rest, at + 2):
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content, token.map, token.block = content, [start_line, number + 1], True
        state.line = number + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _math_inline(state: StateInline, silent: bool) -> bool:
    opener = state.src[state.pos : state.pos + 2]
    if opener in ("\\(", "\\[", "$$"):
        kind = "math_inline" if opener == "\\(" else "math_inline_double"
        closer = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}[opener]
        end = state.src.find(closer, state.pos + 2, state.posMax)
    elif opener[:1] == "$" and not state.src[max(state.pos - 1, 0) : state.pos].isalnum():
        kind, closer = "math_inline", "$"
        end = _closing_dollar(state)
    else:
        return False
    content = state.src[state.pos + len(closer) : end]
    if end < 0 or not content.strip() or (opener == "\\[" and content.isdigit()):
        return False
    if not silent:
        state.push(kind, "math", 0).content = content
    state.pos = end + len(closer)
    return True


def _closing_dollar(state: StateInline) -> int:
    """Return where the formula opened at state.pos closes, -1 where it is no formula."""
    src, start = state.src, state.pos + 1
    end = src.find("$", start, min(state.posMax, start + MAX_FORMULA_CHARS))
    while end > start and src[end - 1] == "\\":
        end = src.find("$", end + 1, min(state.posMax, start + MAX_FORMULA_CHARS))
    content = src[start:end]
    is_formula = (
        end > start
        and not content[0].isspace()
        and not content[-1].isspace()
        and not src[end + 1 : end + 2].isalnum()
        and not _PRICE.match(content)
        and not _OTHER_LETTERS.search(content)
    )
    return end if is_formula else -1
