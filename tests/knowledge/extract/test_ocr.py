"""Scanned pages through the parser child and the installed Tesseract."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from knowledge.extract.errors import NoText, build_error, warning_message
from knowledge.extract.ocr_text import from_tsv
from knowledge.extract.pdf_scan import ranges
from knowledge.extract.runner import extract
from knowledge.extract.scripts import narrowed
from knowledge.extract.types import ExtractedText
from tests.knowledge.extract.files import archive, pdf, saved
from tests.knowledge.extract.scans import (
    ENGLISH,
    HEBREW,
    RUSSIAN,
    drawn,
    joined,
    needs_english,
    needs_font,
    needs_hebrew,
    needs_orientation,
    scan,
    tesseract,
)

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"


def recognised(folder: Path, data: bytes, *languages: str) -> ExtractedText:
    return extract(saved(folder, data), "scan.pdf", tesseract=tesseract(*languages))


def words(text: ExtractedText) -> str:
    return " ".join(" ".join(section.text.split()) for section in text.sections)


@needs_english
@pytest.mark.parametrize("mode", ["L", "1", "RGB"])
def test_scan_becomes_text_when_tesseract_is_there(tmp_path: Path, mode: str) -> None:
    text = recognised(tmp_path, scan(drawn(ENGLISH, mode=mode), drawn(ENGLISH[:1])), "eng")

    assert all(line in words(text) for line in ENGLISH)
    assert [section.page for section in text.sections] == [1, 2]
    assert (text.pages, text.warnings) == (2, ("pages_recognised:2",))


@needs_english
@needs_hebrew
def test_hebrew_is_read_in_order_when_the_site_has_several_languages(tmp_path: Path) -> None:
    text = recognised(tmp_path, scan(drawn(HEBREW), drawn(HEBREW[::-1])), "eng", "heb")

    assert all(words(text).count(line) == 2 for line in HEBREW)


@needs_english
@needs_hebrew
def test_a_page_of_other_letters_than_the_first_is_read(tmp_path: Path) -> None:
    text = recognised(tmp_path, scan(drawn(ENGLISH), drawn(HEBREW)), "eng", "heb")

    assert ENGLISH[1] in words(text)
    assert HEBREW[1] in words(text)


@needs_english
@needs_orientation
def test_page_that_was_scanned_sideways_is_turned(tmp_path: Path) -> None:
    assert ENGLISH[0] in words(recognised(tmp_path, scan(drawn(ENGLISH * 3, turned=90)), "eng"))


@needs_english
def test_scanned_pages_join_those_with_letters_of_their_own(tmp_path: Path) -> None:
    printed = pdf([["A printed page about the garden and what grows in it all year."]])

    text = recognised(tmp_path, joined(printed, scan(drawn(ENGLISH)), printed), "eng")

    assert [section.page for section in text.sections] == [1, 2, 3]
    assert ENGLISH[0] in " ".join(text.sections[1].text.split())


@needs_english
def test_picture_without_words_gives_no_text(tmp_path: Path) -> None:
    noise = Image.effect_noise((1200, 900), 90)

    with pytest.raises(NoText) as caught:
        recognised(tmp_path, scan(noise), "eng")

    assert "No text was found in the pictures." in caught.value.user_message


@needs_english
@needs_font
@needs_orientation
def test_letters_of_no_installed_language_are_not_guessed_but_named(tmp_path: Path) -> None:
    with pytest.raises(NoText) as caught:
        recognised(tmp_path, scan(drawn(RUSSIAN * 3)), "eng")

    assert "tesseract-ocr-rus" in caught.value.user_message


@needs_english
@needs_font
@needs_orientation
def test_unknown_letters_on_some_pages_are_a_warning(tmp_path: Path) -> None:
    text = recognised(tmp_path, scan(drawn(ENGLISH), drawn(RUSSIAN * 3)), "eng")

    assert text.warnings == ("pages_recognised:1", "pages_without_text:1", "script_unknown:CYRILLIC")


def row(place: str, confidence: float, word: str) -> str:
    block, paragraph, line = place.split(".")
    return f"5\t1\t{block}\t{paragraph}\t{line}\t1\t0\t0\t9\t9\t{confidence}\t{word}\n"


def test_lines_that_were_hardly_read_are_dropped() -> None:
    sure = row("1.1.1", 96, "Opening") + row("1.1.1", 91, "hours")
    doubtful = row("1.1.2", 41, "DAW") + row("1.1.2", 38, "TTA")
    partly = row("2.1.1", 96, "Monday") + row("2.1.1", 4, "xq")

    page = from_tsv(HEADER + sure + doubtful + partly + row("3.1.1", 95, " ") + row("4.1.1", 95, "---"))

    assert page.lines == ["Opening hours", "", "Monday"]
    assert page.letters == {"LATIN": 18}


def test_table_that_is_none_gives_an_empty_page() -> None:
    assert from_tsv("5\t1\t1\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\tmuch\tword\n\x00").lines == []


def test_languages_are_narrowed_to_the_letters_of_the_first_page() -> None:
    site = ("eng", "heb", "ara", "rus")

    assert narrowed(site, {"HEBREW": 500, "LATIN": 40}) == ("heb", "eng")
    assert narrowed(site, {"LATIN": 500}) == ("eng",)
    assert narrowed(site, {"LATIN": 12}) == site
    assert narrowed(("heb",), {"LATIN": 500}) == ("heb",)


def test_page_numbers_are_told_as_ranges() -> None:
    assert ranges([3, 7, 8, 9, 12]) == "3, 7–9, 12"


def test_warnings_and_failures_of_recognition_read_as_sentences() -> None:
    assert warning_message("pages_failed:3") == "Page 3 could not be read."
    assert warning_message("pages_failed:3, 7–9") == "Pages 3, 7–9 could not be read."
    assert "Cyrillic letters" in warning_message("script_unknown:CYRILLIC")
    failure = build_error("no_text", {"pictures": 18, "pages": 18, "packages": "tesseract-ocr"})
    assert failure.user_message.startswith("This file looks like a scan: 18 of 18 pages are pictures. ")
    assert "apt-get install tesseract-ocr)" in failure.user_message


@needs_english
def test_scan_inside_an_archive_is_read(tmp_path: Path) -> None:
    data = archive({"lease.pdf": scan(drawn(ENGLISH)), "note.txt": b"A note."})

    text = extract(saved(tmp_path, data), "papers.zip", tesseract=tesseract("eng"))

    assert ENGLISH[0] in words(text)
    assert text.warnings == ("part:lease.pdf\tpages_recognised:1",)
