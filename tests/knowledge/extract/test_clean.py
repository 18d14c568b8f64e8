"""Characters, printed lines and right-to-left places: pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.extract.clean import clean, garbage_share, tidy
from knowledge.extract.lines import paragraphs
from knowledge.extract.pdf_rtl import Glyph, logical, straighten_brackets


def glyphs(visual: str) -> list[Glyph]:
    """Place letters from left to right, ten points each, as they are seen."""
    return [
        Glyph(letter, at * 10.0, at * 10.0, at * 10.0 + 10, 0.0, 10.0) for at, letter in enumerate(visual)
    ]


def test_niqqud_stays_and_control_characters_go() -> None:
    assert clean("הֶחְזֵר\x00\x07\u202e\u200f") == "הֶחְזֵר"


def test_ligatures_and_arabic_shapes_become_letters() -> None:
    assert clean("oﬃce ﬁnance ﻻ") == "office finance لا"


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert tidy(tidy(text)) == tidy(text)


@given(st.text())
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = clean(text)

    assert "\0" not in cleaned
    cleaned.encode("utf-8")


def test_garbage_is_measured() -> None:
    assert garbage_share("ordinary words 1/2") < 0.3
    assert garbage_share("/g12/g13 /g14/g15") > 0.9
    assert garbage_share("\ufffd\ue001\uf8ff") == 1


def test_hyphen_stays_when_the_text_writes_the_word_with_one() -> None:
    lines = [
        "The ingredients of a long-term plan are listed in this chapter of our book.",
        "Some people never look further ahead than tomorrow, but we do make a long-",
        "term plan every year.",
    ]

    assert paragraphs(lines)[-1].endswith("make a long-term plan every year.")


def test_chinese_lines_are_joined_without_a_space() -> None:
    line = "客户可以在购买之日起十四天内退回未开封的商品退款将在五个工作日内完成如有疑问"

    assert paragraphs([line, "请联系我们"]) == [line + "请联系我们"]


def test_right_to_left_line_is_read_from_the_right() -> None:
    assert logical(glyphs(".םוי 14 ךות"), is_rtl=True) == "תוך 14 יום."
    assert logical(glyphs("Windows 11 Pro רובע"), is_rtl=True) == "עבור Windows 11 Pro"
    assert logical(glyphs("1,250.50 ריחמה"), is_rtl=True) == "המחיר 1,250.50"


def test_hebrew_word_in_an_english_line_is_turned_alone() -> None:
    assert logical(glyphs("The word םולש means peace"), is_rtl=False) == "The word שלום means peace"


def test_brackets_are_turned_only_where_they_stand_wrong() -> None:
    assert straighten_brackets("המקורי )כרטיס אשראי(.") == "המקורי (כרטיס אשראי)."
    assert straighten_brackets("המקורי (כרטיס אשראי).") == "המקורי (כרטיס אשראי)."
