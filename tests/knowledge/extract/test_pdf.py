"""PDF through the public door; files are written object by object."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pypdf import PdfWriter

from knowledge.extract.pdf import without_running_heads
from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import assembled, pdf, rewritten

CHROMIUM = Path("/usr/bin/chromium")


def test_pages_are_numbered_and_lines_joined(read: Read) -> None:
    result = read(
        pdf(
            [
                [
                    "A customer may bring an unopened item back within four-",
                    "teen days of the day it was bought.",
                ],
                ["Refunds take five days."],
            ]
        ),
        "returns.pdf",
    )

    assert result.pages == 2
    assert [(section.page, section.text) for section in result.sections] == [
        (1, "A customer may bring an unopened item back within fourteen days of the day it was bought."),
        (2, "Refunds take five days."),
    ]


def test_outline_gives_headings(read: Read) -> None:
    def bookmark(writer: PdfWriter) -> None:
        chapter = writer.add_outline_item(title="Returns", page_number=0)
        writer.add_outline_item(title="Refunds", page_number=0, parent=chapter)
        writer.add_outline_item(title="Delivery", page_number=1)

    lines = [
        ["1. Returns", "Keep the receipt.", "Refunds", "They take five days."],
        ["Delivery", "On weekdays."],
    ]
    result = read(rewritten(pdf(lines), bookmark), "handbook.pdf")

    assert [(section.heading, section.text, section.page) for section in result.sections] == [
        (("Returns",), "Keep the receipt.", 1),
        (("Returns", "Refunds"), "They take five days.", 1),
        (("Delivery",), "On weekdays.", 2),
    ]


def test_running_heads_go_when_most_pages_repeat_them() -> None:
    bodies = ["First things come first, as always.", "Then comes the second thing.", "The third is the last."]
    pages = [["Acme Handbook 2026", body, f"Page {at} of 3"] for at, body in enumerate(bodies, 1)]

    assert without_running_heads(pages) == [[body] for body in bodies]


def test_numbered_titles_stay_when_nothing_else_is_on_the_pages() -> None:
    pages = [[f"Slide {at}"] for at in range(1, 6)]

    assert without_running_heads(pages) == pages


def test_repeated_lines_stay_when_there_are_only_two_pages() -> None:
    pages = [["Form A", "Name"], ["Form A", "Address"]]

    assert without_running_heads(pages) == pages


def test_scan_is_refused_with_the_number_of_pictures(refusal: Refusal) -> None:
    picture = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 "
    picture += b"/ColorSpace /DeviceGray /Length 1 >>\nstream\n\x00\nendstream"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /I 4 0 R >> >> >>"
    data = assembled(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page, picture]
    )

    error = refusal(data, "scan.pdf")

    assert error.code == "no_text"
    assert error.params == {"pictures": 1, "pages": 1}
    assert "1 of 1 page is a picture" in error.user_message


def test_password_is_named_when_the_file_needs_one(refusal: Refusal) -> None:
    data = rewritten(pdf([["Secret"]]), lambda writer: writer.encrypt("s3cret", algorithm="AES-256"))

    assert refusal(data, "secret.pdf").code == "encrypted"


def test_file_locked_only_against_printing_is_read(read: Read) -> None:
    data = rewritten(pdf([["Open text"]]), lambda writer: writer.encrypt("", "owner", algorithm="AES-256"))

    assert read(data, "locked.pdf").sections[0].text == "Open text"


def test_undecodable_letters_are_refused_not_indexed(refusal: Refusal) -> None:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Odd "
    font += b"/Encoding << /Type /Encoding /Differences [65 /g65 /g66] >> >>"
    stream = b"BT /F1 11 Tf 50 700 Td (ABABABABAB) Tj ET"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
    page += b"/Resources << /Font << /F1 5 0 R >> >> >>"
    content = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)
    tree = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"]

    error = refusal(assembled([*tree, page, content, font]), "odd.pdf")

    assert (error.code, error.params) == ("no_text", {"reason": "glyphs"})


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium to print a Hebrew page with")
def test_hebrew_and_arabic_are_read_in_order_when_a_browser_printed_them(read: Read, tmp_path: Path) -> None:
    page, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    hebrew = "טלפון: 03-1234567 (בימי חול) או support@example.com בכל עת."
    arabic = "يمكنك إرجاع المنتج خلال 14 يومًا من تاريخ الشراء."
    page.write_text(f"<html dir=rtl><meta charset=utf-8><p>{hebrew}<p>{arabic}", encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={printed}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)

    text = read(printed.read_bytes(), "page.pdf").sections[0].text

    assert hebrew in text
    assert arabic in text
