"""The tokeniser and sentence boundaries."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.sentences import MAX_SENTENCE_CHARS, split_sentences
from knowledge.tokens import MAX_WORD_CHARS, Matcher, index_tokens, normalise, query_tokens, words

ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="abc .!?\n。؟'\"שלוםאבגدرس萨克森花ภาษาไทยहिन्दी\u200f\u05b8\u064e1234-_", max_size=300),
)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Straße", "STRASSE"),
        ("ﬁle", "file"),
        ("שָׁלוֹם", "שלום"),
        ('קמ"ר', "קמ״ר"),
        ("מִלִּים", "מלימ"),
        ("إلى", "الي"),
        ("مَدْرَسَة", "مدرسه"),
        ("كتـــاب", "كتاب"),
        ("the store's", "the store’s"),
        ("a\u200bb\u00adc", "abc"),
        ("１２３", "123"),
    ],
)
def test_words_written_differently_are_the_same(written: str, asked: str) -> None:
    assert words(written) == words(asked)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("returning", "return"),
        ("ובבית", "הבית"),
        ("וילדים", "לילד"),
        ("والمدرسة", "مدرستهم"),
        ("花园里", "大花园"),
        ("ภาษาไทย", "ไทย"),
    ],
)
def test_inflected_words_share_a_token(one: str, other: str) -> None:
    assert set(index_tokens(one)) & set(index_tokens(other))


def test_vietnamese_tones_and_hindi_vowels_stay() -> None:
    assert words("má") != words("ma")
    assert words("हिन्दी") == ["हिन्दी"]


def test_index_tokens_of_a_word_are_itself_and_its_four_grams() -> None:
    assert index_tokens("Lamps, a") == ["lamps", "lamp", "amps", "a"]


def test_query_tokens_are_distinct() -> None:
    assert query_tokens("lamp Lamp LAMP") == ["lamp"]


def test_endless_runs_are_cut() -> None:
    assert words("x" * 5_000) == ["x" * MAX_WORD_CHARS]


@given(ANY_TEXT)
def test_index_tokens_are_ascii_words_for_any_text(text: str) -> None:
    for token in index_tokens(text):
        assert token.isascii()
        assert token.isalnum()
        assert token == token.lower()


@given(ANY_TEXT)
def test_normalise_is_stable_enough_to_find_its_own_words(text: str) -> None:
    assert words(normalise(text)) == words(text) or normalise(normalise(text)) != normalise(text)


@given(ANY_TEXT, ANY_TEXT)
def test_matcher_coverage_is_a_share(question: str, text: str) -> None:
    matcher = Matcher(question, lambda tokens: dict.fromkeys(tokens, 1.0))

    assert 0 <= matcher.coverage(text) <= 1.000001


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("return parcels", "You may return a parcel"),
        ("מתי מגיעים המשלוחים לבית", "המשלוח מגיע לביתכם"),
        ("متى يصل الطرد إلى المنزل", "تصل الطرود إلى المنازل"),
        ("包裹什么时候送达", "包裹一周内送达"),
        ("พัสดุจะมาถึงเมื่อไร", "พัสดุมาถึงภายใน"),
    ],
)
def test_matcher_finds_what_the_index_would(question: str, text: str) -> None:
    matcher = Matcher(question, lambda tokens: dict.fromkeys(tokens, 1.0))
    tokens, held = query_tokens(question), set(index_tokens(text))

    assert matcher.coverage(text) == pytest.approx(sum(token in held for token in tokens) / len(tokens))


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs 3.50 euros. Good.", ["It costs 3.50 euros.", "Good."]),
        ("Mr. Smith met Dr. Jones. They spoke.", ["Mr. Smith met Dr. Jones.", "They spoke."]),
        ("He lives in the U.S. Army base. Yes.", ["He lives in the U.S. Army base.", "Yes."]),
        ("See e.g. this one. Next.", ["See e.g. this one.", "Next."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("- first item\n- second item", ["- first item", "- second item"]),
        ("1. First thing. 2. Second thing.", ["1. First thing.", "2. Second thing."]),
        ("Name | Price\nLamp | 20", ["Name | Price", "Lamp | 20"]),
        ("你好。再见？好！", ["你好。", "再见？", "好！"]),
        ("שלום. מה נשמע? טוב.", ["שלום.", "מה נשמע?", "טוב."]),
        ("مرحبا. كيف الحال؟ جيد.", ["مرحبا.", "كيف الحال؟", "جيد."]),
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
        ("  \n \n", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(ANY_TEXT)
def test_sentences_hold_every_character_once_and_in_order(text: str) -> None:
    spans = split_sentences(text)

    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


@given(st.integers(1, 3_000), st.sampled_from(["x", "x ", "字", "ก"]))
def test_sentences_are_never_endless(count: int, piece: str) -> None:
    assert all(end - start <= MAX_SENTENCE_CHARS for start, end in split_sentences(piece * count))
