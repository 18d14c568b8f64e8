"""Markdown, plain text and CSV through the public door."""

from __future__ import annotations

import codecs

import pytest

from tests.knowledge.extract.conftest import Read, Refusal

MARKDOWN = """---
title: "Help pages"
---
Lead-in.

# Returns

Keep the **receipt** and the [box](https://shop.example/box), see $a_1 + b_1$.

- one
- two
  - three

1. first
2. second

## Code

```python
x  =  1
```

| Plan | Price |
|------|-------|
| Basic | $5 |

# Empty
"""


def test_markdown_headings_lists_code_and_tables(read: Read) -> None:
    result = read(MARKDOWN.encode(), "help.md")

    assert result.title == "Help pages"
    assert [(section.heading, section.text) for section in result.sections] == [
        ((), "Lead-in."),
        (
            ("Returns",),
            "Keep the receipt and the box (https://shop.example/box), see $a_1 + b_1$.\n\n"
            "- one\n- two\n- three\n1. first\n2. second",
        ),
        (("Returns", "Code"), "x  =  1\n\nPlan: Basic; Price: $5"),
        ((), "Empty"),
    ]


def test_markdown_escapes_are_undone_so_that_words_match(read: Read) -> None:
    assert (
        read(rb"Call 1\-800\-555 for \#7 \_now\_.", "a.markdown").sections[0].text
        == "Call 1-800-555 for #7 _now_."
    )


@pytest.mark.parametrize(
    ("encoding", "mark", "text"),
    [
        ("utf-8", codecs.BOM_UTF8, "הֶחְזֵר תוך 14 יום"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "שלום עולם"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "مرحبا بالعالم"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "Grüße 🙂"),
        ("utf-16-le", b"", "Text without a mark, as some programs save it."),
        ("utf-16-be", b"", "מדיניות ההחזרות של החנות שלנו"),
        ("cp1251", b"", "Однажды, в студеную зимнюю пору, я из лесу вышел; был сильный мороз."),
        ("cp866", b"", "Однажды, в студеную зимнюю пору, я из лесу вышел; был сильный мороз."),
        ("cp1255", b"", "ניתן להחזיר מוצר תוך ארבעה עשר יום מיום הקנייה באמצעי התשלום המקורי"),
        ("gb18030", b"", "客户可以在购买之日起十四天内退回未开封的商品,退款将在五个工作日内完成。" * 3),
        (
            "cp1252",
            b"",
            "Der Käufer kann die Ware innerhalb von vierzehn Tagen zurückgeben, außer geöffnete.",
        ),
    ],
)
def test_text_is_read_in_the_encoding_it_was_saved_in(
    read: Read, encoding: str, mark: bytes, text: str
) -> None:
    assert read(mark + text.encode(encoding), "text.txt").sections[0].text == text


def test_stray_zero_bytes_and_direction_marks_are_dropped(read: Read) -> None:
    data = "Ab\0c \u202etxt.exe\u202c end of quite an ordinary sentence. ".encode() * 20

    text = read(data, "stray.txt").sections[0].text

    assert text.startswith("Abc txt.exe end of quite an ordinary sentence.")


def test_wrapped_lines_are_joined_and_verses_are_not(read: Read) -> None:
    wrapped = (
        "This paragraph was typed with a line break at the end of every line,\n"
        "as people did when screens were eighty characters wide, and it goes\n"
        "on here.\n\nRoses are red,\nviolets are blue\n"
    )

    paragraphs = read(wrapped.encode(), "note.txt").sections[0].text.split("\n\n")

    assert paragraphs == [
        "This paragraph was typed with a line break at the end of every line, as people did when "
        "screens were eighty characters wide, and it goes on here.",
        "Roses are red,\nviolets are blue",
    ]


def test_very_long_line_is_read_whole(read: Read) -> None:
    text = "lorem ipsum " * 100_000

    assert len(read(text.encode(), "long.txt").sections[0].text) == len(text.strip())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_name_their_columns_whatever_separates_them(read: Read, delimiter: str) -> None:
    rows = [["Plan", "Price", "Note"], ["Basic", "5", ""], ["Pro", "15", "best"]]
    data = "\n".join(delimiter.join(row) for row in rows)

    result = read(data.encode(), "plans.csv")

    assert result.sections[0].text == "Plan: Basic; Price: 5\nPlan: Pro; Price: 15; Note: best"


def test_long_rows_are_cut_into_lines_that_repeat_the_first_cell(read: Read) -> None:
    header = ",".join(["Name", *(f"column {at}" for at in range(100))])
    data = header + "\n" + ",".join(["Alice", *(str(at) for at in range(100))])

    lines = read(data.encode(), "wide.csv").sections[0].text.split("\n\n")

    assert len(lines) > 1
    assert lines[0].startswith("Name: Alice; column 0: 0")
    assert all(line.startswith("Name: Alice; ") and len(line) <= 700 for line in lines)


def test_tables_of_figures_have_no_header(read: Read) -> None:
    assert read(b"1,2\n3,4\n", "figures.csv").sections[0].text == "1; 2\n3; 4"


def test_only_white_space_has_no_text(refusal: Refusal) -> None:
    assert refusal(b" \n\t\n", "blank.txt").code == "no_text"
