"""EPUB books: chapters in order, under their headings."""

from __future__ import annotations

import pytest

from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import archive, with_part, word
from tests.knowledge.extract.packages import LAUGHS, book, chapter, odt


def test_book_is_read_in_the_order_of_its_spine(read: Read) -> None:
    chapters = {
        "b.xhtml": chapter("<h1>Second</h1><p>Later.</p>"),
        "a.xhtml": chapter("<h1>First</h1><p>Caf&eacute;&nbsp;au lait.</p><h2>Part</h2><p>More.</p>"),
    }

    result = read(book(chapters, spine=["a.xhtml", "b.xhtml"]), "garden.epub")

    assert (result.title, result.format) == ("The Garden Book", "epub")
    assert [(section.heading, section.text) for section in result.sections] == [
        (("First",), "Café au lait."),
        (("First", "Part"), "More."),
        (("Second",), "Later."),
    ]


def test_heading_inside_a_header_of_a_chapter_is_kept(read: Read) -> None:
    page = chapter("<section><header><h2>Roses</h2></header><p>Prune in March.</p></section>")

    assert read(book({"a.xhtml": page}), "a.epub").sections[0].heading == ("Roses",)


def test_chapter_without_a_heading_takes_its_name_in_the_contents(read: Read) -> None:
    nav = chapter('<nav><ol><li><a href="a%20b.xhtml#top">Water &amp; light</a></li></ol></nav>')
    chapters = {"nav.xhtml": nav, "a b.xhtml": chapter("<p>Twice a week.</p>", "a b")}

    result = read(book(chapters), "a.epub")

    assert [(section.heading, section.text) for section in result.sections] == [
        (("Water & light",), "Twice a week.")
    ]


def test_contents_of_an_old_book_name_its_chapters(read: Read) -> None:
    ncx = (
        b'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Soil</text>'
        b'</navLabel><content src="a.xml"/></navPoint></navMap></ncx>'
    )

    result = read(book({"a.xml": chapter("<p>Loam.</p>")}, more={"toc.ncx": ncx}), "a.epub")

    assert result.sections[0].heading == ("Soil",)


def test_table_of_a_book_stays_rows(read: Read) -> None:
    table = (
        "<table><tr><th>Plant</th><th>Month</th></tr><tr><td>Beans</td><td>May</td></tr>"
        "<tr><td>Leek</td><td>April</td></tr></table>"
    )

    result = read(book({"a.xhtml": chapter(table)}), "a.epub")

    assert result.sections[0].text == "Plant: Beans; Month: May\nPlant: Leek; Month: April"


def test_broken_chapter_is_read_as_a_browser_would(read: Read) -> None:
    result = read(book({"a.xhtml": b"<html><body><p>One<p>Two & three</body></html>"}), "a.epub")

    assert result.sections[0].text == "One\n\nTwo & three"


def test_letter_that_a_chapter_names_itself_does_no_harm(read: Read) -> None:
    page = b'<!DOCTYPE html [<!ENTITY deg "&#176;">]><html><body><p>Keep at 5 &deg;C.</p></body></html>'

    assert read(book({"a.xhtml": page}), "a.epub").sections[0].text == "Keep at 5 °C."


def test_chapter_that_is_missing_is_said(read: Read) -> None:
    data = book({"a.xhtml": chapter("<p>Here.</p>")}, spine=["a.xhtml", "gone.xhtml"])
    package = (
        "<package><manifest><item id='a.xhtml' href='a.xhtml'/><item id='gone.xhtml' href='gone.xhtml'/>"
    )
    package += "<item id='gone.xhtml' href='gone.xhtml'/></manifest><spine><itemref idref='a.xhtml'/>"
    package += "<itemref idref='gone.xhtml'/></spine></package>"

    result = read(with_part(data, "OPS/book.opf", package.encode()), "a.epub")

    assert (result.sections[0].text, result.warnings) == ("Here.", ("chapters_missing:1",))


def test_chapter_listed_twice_is_read_once(read: Read) -> None:
    data = book({"a.xhtml": chapter("<p>Once.</p>")}, spine=["a.xhtml"] * 500)

    assert [section.text for section in read(data, "a.epub").sections] == ["Once."]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (archive({"META-INF/container.xml": b"<container/>"}), "corrupt"),
        (archive({"META-INF/container.xml": b"<container"}), "corrupt"),
        (
            book({"a.xhtml": f"<!DOCTYPE html [{LAUGHS}]><html><p>&l9;</p></html>".encode()}),
            "archive_bomb",
        ),
        (
            book({"a.xhtml": f"{' ' * 70_000}<!DOCTYPE html [{LAUGHS}]><html><p>&l9;</p></html>".encode()}),
            "archive_bomb",
        ),
        (
            with_part(book({}), "OPS/book.opf", f"<!DOCTYPE p [{LAUGHS}]><p>&l9;</p>".encode()),
            "archive_bomb",
        ),
        (
            book({"a.xhtml": b'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html>&x;</html>'}),
            "archive_bomb",
        ),
        (book({"a.xhtml": chapter("<p>A</p>")}, more={"../../evil": b"x"}), "archive_bomb"),
        (with_part(book({"a.xhtml": chapter("<p>A</p>")}), "/etc/evil", b"x"), "archive_bomb"),
        (book({"a.xhtml": chapter("<p>" + "A" * 30_000_000 + "</p>")}), "archive_bomb"),
        (book({"a.xhtml": chapter("<div>" * 100_000)}), "too_complex"),
        (book({"a.xhtml": bytes(range(256)) * 50}), "corrupt"),
        (book({"a.xhtml": chapter("")}), "no_text"),
        (book({"a.xhtml": chapter("<p>A</p>")})[:-40], "corrupt"),
        (b"not a book at all", "corrupt"),
        (archive({"a.txt": b"a"}), "type_mismatch"),
        (word(lambda document: document.add_paragraph("Hello")), "type_mismatch"),
        (odt("<text:p>A</text:p>"), "type_mismatch"),
    ],
)
def test_book_that_cannot_be_read_says_why(refusal: Refusal, data: bytes, code: str) -> None:
    assert refusal(data, "a.epub").code == code


def test_book_with_a_locked_chapter_is_called_protected(refusal: Refusal) -> None:
    locked = b'<encryption><CipherReference URI="OPS/a.xhtml"/></encryption>'
    data = with_part(book({"a.xhtml": b"\x00\x01"}), "META-INF/encryption.xml", locked)

    assert refusal(data, "a.epub").code == "encrypted"


def test_book_with_scrambled_fonts_is_read(read: Read) -> None:
    fonts = b'<encryption><CipherReference URI="OPS/font.otf"/></encryption>'
    data = with_part(book({"a.xhtml": chapter("<p>Open.</p>")}), "META-INF/encryption.xml", fonts)

    assert read(data, "a.epub").sections[0].text == "Open."
