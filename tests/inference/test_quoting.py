"""Quoted document text renders as itself, whatever it holds."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from inference.quoting import block_quote, escape

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).use(dollarmath_plugin)

NASTY = [
    "<script>alert(1)</script>",
    "<b>bold</b> & <!-- gone --> &amp; &#65;",
    "# Not a heading",
    "- not a list",
    "1. not a numbered list",
    "2024. was a year",
    "> not deeper",
    "*stars* and __lines__ and _one_ and ~~gone~~",
    "`code` and ``more``",
    "[link](javascript:alert(1)) ![image](x) [1]",
    "[1]: https://example.com",
    "$a$ and $$b$$ for $5",
    "a \\* b \\\\ c \\ d \\[ e \\",
    "--- + 1",
    "| a | b |",
    "<https://example.com>",
    "*** ** * _ __ ~ ~~ ~~~",
    "**",
    "price\n\n# heading\n    code",
]


class TextAndTags(HTMLParser):
    """Collects what a browser would show, and the tags around it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(markdown: str) -> TextAndTags:
    parser = TextAndTags()
    parser.feed(MARKDOWN.render(markdown))
    return parser


@pytest.mark.parametrize("text", NASTY)
def test_document_text_renders_as_itself(text: str) -> None:
    page = shown(block_quote(text, 1))

    assert page.text.strip() == " ".join(text.split()) + " [1]"
    assert page.tags == {"blockquote", "p"}


@given(st.text(alphabet=st.sampled_from("ab1 \n\\`*_{}[]()#+-.!|<>&;~$:=/\"'"), max_size=24))
def test_no_mixture_of_marks_is_interpreted(text: str) -> None:
    page = shown(block_quote(text, 2))

    assert page.text.strip() == (" ".join(text.split()) + " [2]").strip()
    assert page.tags == {"blockquote", "p"}


def test_ordinary_sentences_stay_as_they_are() -> None:
    sentence = "Model X-200 costs $49.90 (2-year warranty), see snake_case & 3 * 4 < 13!"

    assert escape(sentence) == sentence


def test_a_citation_inside_a_document_is_not_one_of_ours() -> None:
    assert "[7]" not in escape("As shown before [7].")


def test_marks_that_turn_text_round_are_dropped() -> None:
    assert escape("a\u202eb\x00c\u200fd") == "abc\u200fd"
