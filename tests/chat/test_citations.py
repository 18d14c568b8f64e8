"""Invented citations go while the text streams; the rest are found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.citations import CitationFilter, citations
from chat.events import SourceItem
from chat.markdown import SourceLabel, render

PARTS = [
    "word",
    " ",
    " ",
    "\n",
    "\n\n",
    "[1]",
    "[9]",
    "[1, 9]",
    "[^2]",
    "【3】",
    "[9][10]",
    "[",
    "]",
    "(",
    ")",
    ".",
    "`",
]
PARTS += [
    "```\n",
    "~~~",
    "$",
    "$$",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "\\",
    "[0]",
    "[2024]",
    "[x](y)",
    "9",
    "5",
    "- ",
    "|",
]


def source(n: int) -> SourceItem:
    """A source as far as a citation needs it."""
    return SourceItem(
        n=n, document=f"document-{n}", chunk="", chunk_sha256="", release="", title="", heading="",
        page=None, excerpt="", score=1.0, url="",
    )  # fmt: skip


SOURCES = [source(n) for n in range(1, 6)]


def filtered(*deltas: str, count: int = 5) -> str:
    """What a reader sees of a stream."""
    stream = CitationFilter(count)
    return "".join(stream.feed(delta) for delta in deltas) + stream.finish()


@pytest.mark.parametrize(
    ("text", "shown", "removed"),
    [
        ("Two years [1].", "Two years [1].", 0),
        ("Two years [7].", "Two years.", 1),
        ("Two years[7]. More [99] text", "Two years. More text", 2),
        ("Two [9][10], three", "Two, three", 2),
        ("Two [1, 9].", "Two [1].", 1),
        ("Two [1,2; 3].", "Two [1][2][3].", 0),
        ("Two [2-4].", "Two [2][3][4].", 0),
        ("Two [4–7].", "Two [4][5].", 2),
        ("Two [^2] and [^8].", "Two [2] and.", 1),
        ("Two【3】 and 【3†L1-L4】 and 【8】.", "Two[3] and [3] and.", 1),
        ("Two [ 1 ] [1][9][2]", "Two [1] [1][2]", 1),
        ("[9] First", "First", 1),
        ("End [9]", "End", 1),
        ("End [9]\nNext", "End\nNext", 1),
        ("הכול [9]، نعم [9]؟ [2]", "הכול، نعم؟ [2]", 2),
        ("Bold **x** [9]**", "Bold **x** **", 1),
    ],
)
def test_citation_goes_or_is_written_as_n_when_it_is_plain_text(text: str, shown: str, removed: int) -> None:
    stream = CitationFilter(5)

    assert stream.feed(text) + stream.finish() == shown
    assert stream.removed == removed


@pytest.mark.parametrize(
    "text",
    [
        *(
            "arr[0]",
            "[0, 1]",
            "[2024]",
            "[x]",
            "[ ]",
            "- [ ] task",
            "[]",
            "[",
            "[9",
            "[9,",
            "[-9]",
            "[5-2]",
            "[1.5]",
        ),
        *("[9](https://a.test)", "[text](https://a.test)", "![9](x)", "[a9]", "[9 lives]", "[9\n]", "【x】"),
        *(
            "`a[9]`",
            "``a[9] ` [9]``",
            "```\na[9]\n```",
            "~~~\na[9]\n```\n[9]\n~~~",
            "```py\na[9]",
            "- ```\n  a[9]\n",
        ),
        *(
            "$a[9]$",
            "$$a[9]$$",
            "\\(a[9]\\)",
            "\\[a[9]\\]",
            "$$\na[9]\n$$",
            "\\[9\\]",
            "two  spaces  \nbreak",
        ),
    ],
)
def test_text_is_left_alone_when_it_is_no_citation(text: str) -> None:
    assert filtered(text) == text
    assert filtered(*text) == text


@pytest.mark.parametrize(
    "before",
    [
        "`a[9]` b",
        "```\na[9]\n```\nb",
        "$a$ b",
        "costs $5 or $10 b",
        "\\(a\\) b",
        "$$\na\n$$\nb",
        "open ` tick\n\nb",
        "~9~ b",
    ],
)
def test_citation_goes_when_code_and_mathematics_are_over(before: str) -> None:
    assert filtered(before + " [9].") == before + "."


@given(st.lists(st.sampled_from(PARTS)).map("".join), st.data())
def test_shown_text_is_the_same_however_it_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))

    assert filtered(*(text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))) == filtered(
        text
    )


@given(st.text("ab [1]9,.\n`$"), st.integers(0, 9))
def test_nothing_but_citations_and_spaces_is_lost(text: str, count: int) -> None:
    stream = CitationFilter(count)

    shown = stream.feed(text) + stream.finish()

    assert shown.count("a") == text.count("a")
    if not stream.removed and "," not in text:
        assert len(shown) >= len(text) - text.count(" ")


def test_nothing_is_held_back_when_no_citation_can_follow() -> None:
    stream = CitationFilter(5)

    assert [stream.feed(part) for part in ("Two", " years", " [1]", " so", " [", "x")] == [
        *("Two", " years", " [1]", " so", "", " [x"),
    ]


def test_citations_are_found_with_code_point_offsets() -> None:
    text = "😀 x [2]. `a[1]` $b[1]$ [9] [1](https://a.test) [3][1]"

    found = citations(text, SOURCES)

    assert [(item["n"], item["document"]) for item in found] == [
        *((2, "document-2"), (3, "document-3"), (1, "document-1")),
    ]
    assert [text[item["start"] : item["end"]] for item in found] == ["[2]", "[3]", "[1]"]


@pytest.mark.parametrize(
    "text",
    [
        "a [1] b [2]\n\n- c [3]\n\n| x [4] |\n| --- |\n| y [5] |",
        "**b** [1]`c[2]` [3]\n\n```\n[4]\n```\n\n> q [5]",
    ],
)
def test_citations_are_those_the_page_shows(text: str) -> None:
    html = "".join(block.html for block in render(text, [SourceLabel(n) for n in range(1, 6)]))

    assert html.count('class="cite"') == len(citations(text, SOURCES))
