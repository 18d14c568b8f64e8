"""reStructuredText: titles, lists, literal blocks, tables and directives."""

from __future__ import annotations

import pytest

from tests.knowledge.extract.conftest import Read, Refusal

GRID = """\
+-------+-------+
| Plant | Month |
+=======+=======+
| Beans | May   |
| (low) |       |
+-------+-------+
| 豆    | April |
+-------+-------+
"""
SIMPLE = """\
=====  =====
Plant  Month
=====  =====
Beans  May
Leek   April
       or May
=====  =====
"""
COMMA = """\
.. csv-table::
   :header: "Plant", "Month"

   "Beans, low", May
   Leek, April
"""
LIST = """\
.. list-table::
   :header-rows: 1

   * - Plant
     - Month
   * - Beans
     - May
"""


def test_titles_make_the_path_in_the_order_their_marks_appear(read: Read) -> None:
    text = (
        "=====\nGuide\n=====\n\nHello.\n\nSetup\n-----\n\nFirst.\n\nCable\n~~~~~\n\nPlug it.\n\n"
        "שימוש\n-----\n\nPress.\n"
    )

    result = read(text.encode(), "guide.rst")

    assert (result.title, result.format) == ("Guide", "rst")
    assert [(section.heading, section.text) for section in result.sections] == [
        (("Guide",), "Hello."),
        (("Guide", "Setup"), "First."),
        (("Guide", "Setup", "Cable"), "Plug it."),
        (("Guide", "שימוש"), "Press."),
    ]


def test_title_of_one_letter_is_a_title(read: Read) -> None:
    assert read(b"A\n=\n\nx\n\n- \n\n  y\n", "a.rst").sections[0].heading == ("A",)


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("*em* and **strong** and ``a * b``", "em and strong and a * b"),
        ("see `the docs <https://a.example/x>`_ now", "see the docs (https://a.example/x) now"),
        ("see :ref:`setup <set-up>` and :func:`~a.b`", "see setup and a.b"),
        ("as said [1]_ by name_ or `two words`_", "as said [1] by name or two words"),
        ("|site| is 2 * 3 and snake_case_name", "Phi Chat is 2 * 3 and snake_case_name"),
        (r"a\* star, one\ word", "a* star, oneword"),
    ],
)
def test_marks_go_and_words_stay(read: Read, marked: str, words: str) -> None:
    rest = ".. |site| replace:: Phi Chat\n.. _name: https://b.example\n.. a comment\n   of two lines\n"
    text = f"{marked}\n\n{rest}"

    assert [section.text for section in read(text.encode(), "a.rst").sections] == [words]


@pytest.mark.parametrize(
    "markup", ["Run::\n\n    make\n      all\n", ".. code-block:: sh\n   :linenos:\n\n   make\n     all\n"]
)
def test_literal_text_keeps_its_spaces(read: Read, markup: str) -> None:
    assert "make\n  all" in read(markup.encode(), "a.rst").sections[0].text


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (GRID, "Plant: Beans (low); Month: May\nPlant: 豆; Month: April"),
        (SIMPLE, "Plant: Beans; Month: May\nPlant: Leek; Month: April or May"),
        (COMMA, "Plant: Beans, low; Month: May\nPlant: Leek; Month: April"),
        (LIST, "Plant: Beans; Month: May"),
    ],
)
def test_table_is_rows_that_name_their_columns(read: Read, table: str, rows: str) -> None:
    assert read(table.encode(), "a.rst").sections[0].text == rows


def test_lists_fields_and_terms_are_read_in_order(read: Read) -> None:
    text = (
        ":Author: Dana\n\n1. First step\n   goes on\n2. Second::\n\n      code\n\n* bullet\n\n  - nested\n\n"
        "term\n    What it means.\n\n    More.\n"
    )

    assert read(text.encode(), "a.rst").sections[0].text == (
        "Author: Dana\n1. First step goes on\n2. Second:\n\ncode\n\n- bullet\n- nested\n\n"
        "term: What it means.\n\nMore."
    )


def test_directives_are_read_and_none_is_run(read: Read) -> None:
    text = (
        ".. warning:: Mind the\n   gap.\n\n.. figure:: a.png\n   :alt: A cat\n\n   The caption.\n\n"
        ".. include:: /etc/passwd\n.. raw:: html\n\n   <b>x</b>\n\n.. csv-table::\n   :file: /etc/passwd\n\n"
        ".. [1] A footnote\n   of two lines.\n"
    )

    assert [section.text for section in read(text.encode(), "a.rst").sections] == [
        "Warning: Mind the gap.\n\nA cat\n\nThe caption.\n\n[1] A footnote of two lines."
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b".. only a comment\n", "no_text"),
        (b"<!DOCTYPE html><html><p>Hi</p></html>", "type_mismatch"),
        (bytes(range(256)) * 20, "type_mismatch"),
        ("\n\n".join(f"{'  ' * depth}quote" for depth in range(60, 0, -1)).encode(), "too_complex"),
        ("\n\n".join(f"{'  ' * depth}- item" for depth in range(60)).encode(), "too_complex"),
    ],
)
def test_file_that_cannot_be_read_says_why(refusal: Refusal, data: bytes, code: str) -> None:
    assert refusal(data, "a.rst").code == code


@pytest.mark.parametrize(
    "piece", ["`", "``", "*a ", "|a", "_a_ ", "[a", "\\", ":a:`", "+-+\n", "=== ===\n", "a\n=\n"]
)
def test_unclosed_marks_do_not_stop_the_reader(read: Read, piece: str) -> None:
    assert read(b"Start.\n\n" + piece.encode() * 20_000, "a.rst").sections[0].text.startswith("Start.")
