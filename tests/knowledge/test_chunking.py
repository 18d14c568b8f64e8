"""Chunks: sizes, borders, offsets."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunking import (
    MAX_WORDS,
    SECTION_SEPARATOR,
    ChunkDraft,
    chunk,
    chunk_key,
    content_sha256,
    size_in_words,
)
from knowledge.extract.types import ExtractedSection, ExtractedText

SECTIONS = st.lists(
    st.builds(
        ExtractedSection,
        text=st.text(alphabet="ab .!?\n\t。字กשע𝄞", max_size=1_500),
        heading=st.lists(st.text(max_size=5), max_size=3).map(tuple),
        page=st.none() | st.integers(1, 9),
    ),
    max_size=4,
)


def extracted(*sections: ExtractedSection) -> ExtractedText:
    return ExtractedText("Title", sections, None, "text")


def chunk_text(text: str, overlap: float = 0.0) -> list[ChunkDraft]:
    return chunk(extracted(ExtractedSection(text)), overlap=overlap)


def sentences(count: int, words: int = 10) -> str:
    return " ".join(f"Sentence {number} " + "word " * (words - 3) + "end." for number in range(count))


def test_chunks_end_with_sentences() -> None:
    drafts = chunk_text(sentences(60))

    assert len(drafts) > 3
    assert all(draft.text.endswith("end.") for draft in drafts)
    assert all(size_in_words(draft.text) <= MAX_WORDS * 1.25 for draft in drafts)


def test_chunks_overlap_by_whole_sentences() -> None:
    drafts = chunk_text(sentences(60), overlap=0.15)

    for before, after in pairwise(drafts):
        first_sentence = after.text.split(".")[0]
        assert first_sentence in before.text
        assert after.text not in before.text


def test_a_paragraph_that_fills_a_chunk_ends_it() -> None:
    paragraph = sentences(9)

    drafts = chunk_text(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")

    assert [draft.text for draft in drafts] == [paragraph] * 3


def test_short_paragraphs_share_a_chunk() -> None:
    assert len(chunk_text("One.\n\nTwo.\n\nThree.")) == 1


def test_chunks_never_cross_headings_or_pages() -> None:
    drafts = chunk(
        extracted(
            ExtractedSection("Intro.", ("Guide",), 1),
            ExtractedSection("Returns.", ("Guide", "Returns"), 1),
            ExtractedSection("More.", ("Guide", "Returns"), 2),
            ExtractedSection("  \n ", ("Guide", "Empty"), 2),
        )
    )

    assert [(draft.text, draft.heading, draft.page) for draft in drafts] == [
        ("Intro.", "Guide", 1),
        ("Returns.", "Guide › Returns", 1),
        ("More.", "Guide › Returns", 2),
    ]
    assert [draft.ordinal for draft in drafts] == [0, 1, 2]


@pytest.mark.parametrize("piece", ["word ", "x", "字", "ก", "字。"])
def test_one_endless_line_is_split(piece: str) -> None:
    drafts = chunk_text(piece * 5_000)

    assert len(drafts) > 1
    assert all(size_in_words(draft.text) <= MAX_WORDS * 1.3 for draft in drafts)


def test_chinese_and_thai_are_sized_by_characters() -> None:
    assert size_in_words("字" * 100) == pytest.approx(60, rel=0.2)
    assert size_in_words("ก" * 100) == pytest.approx(20, rel=0.6)


@given(SECTIONS)
def test_chunks_cover_every_text_and_say_where_they_begin(sections: list[ExtractedSection]) -> None:
    document = extracted(*sections)
    whole = SECTION_SEPARATOR.join(section.text for section in sections)

    drafts = chunk(document)

    covered = [False] * len(whole)
    for draft in drafts:
        assert draft.text.strip()
        assert whole[draft.start : draft.start + len(draft.text)] == draft.text
        covered[draft.start : draft.start + len(draft.text)] = [True] * len(draft.text)
    assert all(is_covered or char.isspace() for is_covered, char in zip(covered, whole, strict=True))
    assert drafts == chunk(document)


def test_keys_name_document_version_and_place() -> None:
    one, other = UUID(int=1), UUID(int=2)

    keys = {chunk_key(one, 1, 0), chunk_key(one, 1, 1), chunk_key(one, 2, 0), chunk_key(other, 1, 0)}

    assert len(keys) == 4
    assert all(len(key) == 64 for key in keys)
    assert chunk_key(one, 1, 0) in keys


def test_content_digest_keeps_its_parts_apart() -> None:
    assert content_sha256("a", "b", "c") != content_sha256("ab", "", "c")
    assert content_sha256("", "", "\ud800")
