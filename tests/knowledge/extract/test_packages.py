"""Books and OpenDocument texts: ZIP containers of XML."""

from __future__ import annotations

import pytest

from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import archive, with_part, word

CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
LAUGHS = '<!ENTITY l0 "ha">' + "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)
)
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{OFFICE}{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("style", "style"),
        ("draw", "drawing"),
    )
)
ODT_TYPE = b"application/vnd.oasis.opendocument.text"
SHEET_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"


def chapter(body: str, title: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x.dtd">'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title><script src="x.js"/></head>'
        f"<body>{body}</body></html>"
    ).encode()


def book(
    chapters: dict[str, bytes], *, spine: list[str] | None = None, more: dict[str, bytes] | None = None
) -> bytes:
    """Return an EPUB whose spine lists the chapters in the order given."""
    files = (*chapters, *(more or {}))
    items = "".join(_manifest_item(name) for name in files)
    refs = "".join(f'<itemref idref="{name}"/>' for name in spine or list(chapters))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>The Garden Book</dc:title></metadata><manifest>{items}</manifest>"
        f"<spine>{refs}</spine></package>"
    )
    parts = {f"OPS/{name}": data for name, data in {**chapters, **(more or {})}.items()}
    return archive(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": package.encode(),
            **parts,
        }
    )


def _manifest_item(name: str) -> str:
    kind = "application/x-dtbncx+xml" if name.endswith(".ncx") else "application/xhtml+xml"
    properties = 'properties="nav"' if name == "nav.xhtml" else ""
    return f'<item id="{name}" href="{name.replace(" ", "%20")}" media-type="{kind}" {properties}/>'


def odt(body: str, *, styles: str = "", prolog: str = "", more: dict[str, bytes] | None = None) -> bytes:
    content = (
        f'<?xml version="1.0"?>{prolog}<office:document-content {NAMESPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return archive({"mimetype": ODT_TYPE, "content.xml": content.encode(), **(more or {})})


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
