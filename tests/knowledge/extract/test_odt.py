"""OpenDocument texts: headings, lists, tables and notes."""

from __future__ import annotations

import pytest

from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import archive
from tests.knowledge.extract.packages import LAUGHS, SHEET_TYPE, book, chapter, odt


def test_open_document_keeps_headings_lists_and_tables(read: Read) -> None:
    result = read(
        odt(
            '<text:p text:style-name="P1">House rules</text:p>'
            '<text:h text:outline-level="1">Quiet<text:s text:c="2"/>hours</text:h>'
            "<text:p>From ten<text:line-break/>to <text:span>six</text:span>.</text:p>"
            "<text:list><text:list-item><text:p>No drums</text:p><text:list><text:list-item>"
            "<text:p>also soft ones</text:p></text:list-item></text:list></text:list-item></text:list>"
            '<text:h text:outline-level="2">Fees</text:h>'
            "<table:table><table:table-header-rows><table:table-row>"
            "<table:table-cell><text:p>Item</text:p></table:table-cell>"
            "<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
            "</table:table-header-rows><table:table-row><table:table-cell><text:p>Key</text:p>"
            "</table:table-cell><table:table-cell><text:p>5 €</text:p></table:table-cell>"
            "</table:table-row></table:table>",
            styles='<style:style style:name="P1" style:parent-style-name="Title"/>',
        ),
        "rules.odt",
    )

    assert (result.title, result.format, result.pages) == ("House rules", "odt", None)
    assert [(section.heading, section.text) for section in result.sections] == [
        (("Quiet hours",), "From ten\nto six.\n\n- No drums\n- also soft ones"),
        (("Quiet hours", "Fees"), "Item: Key; Price: 5 €"),
    ]


def test_note_follows_its_paragraph_and_comments_stay_out(read: Read) -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Gone</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:p>See<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>The small print.</text:p></text:note-body></text:note> here."
        '<office:annotation><text:p>Really?</text:p></office:annotation><text:span text:style-name="H">'
        "secret</text:span></text:p>"
    )
    styles = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'

    assert read(odt(body, styles=styles), "a.odt").sections[0].text == "See here.\n\nThe small print."


def test_repeated_cells_and_rows_are_said_once(read: Read) -> None:
    row = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell><text:p>A</text:p>'
        '</table:table-cell><table:table-cell table:number-columns-repeated="99999999"/>'
        "<table:table-cell><text:p>B</text:p></table:table-cell></table:table-row>"
    )

    assert read(odt(f"<table:table>{row}</table:table>"), "a.odt").sections[0].text == "A; B"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"This is not a zip file!\n", "corrupt"),
        (odt("<text:p>&l9;</text:p>", prolog=f"<!DOCTYPE d [{LAUGHS}]>"), "archive_bomb"),
        (
            odt('<text:p>A</text:p><text:p text:style-name="&l9;"/>', prolog=f"<!DOCTYPE d [{LAUGHS}]>"),
            "archive_bomb",
        ),
        (
            odt("<text:p>&x;</text:p>", prolog='<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "archive_bomb",
        ),
        (odt("<text:p>" + "A" * 30_000_000 + "</text:p>"), "archive_bomb"),
        (odt("<text:p>A</text:p>", more={"../evil": b"x"}), "archive_bomb"),
        (odt("<text:section>" * 200 + "</text:section>" * 200), "too_complex"),
        (odt("<text:p>A"), "corrupt"),
        (odt(""), "no_text"),
        (
            odt(
                "",
                more={
                    "META-INF/manifest.xml": b'<m:manifest xmlns:m="urn:m"><m:file-entry>'
                    b"<m:encryption-data/></m:file-entry></m:manifest>"
                },
            ),
            "encrypted",
        ),
        (
            archive({"mimetype": SHEET_TYPE, "content.xml": b"<a/>"}),
            "type_mismatch",
        ),
        (book({"a.xhtml": chapter("<p>A</p>")}), "type_mismatch"),
    ],
)
def test_open_document_that_cannot_be_read_says_why(refusal: Refusal, data: bytes, code: str) -> None:
    assert refusal(data, "a.odt").code == code
