"""Excel and PowerPoint through the public door."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from typing import Any

from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import with_part


def excel(build: Callable[[Workbook], None]) -> bytes:
    """Return an XLSX; `build` gets a workbook with one sheet."""
    workbook = Workbook()
    build(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def slides(build: Callable[[Any], None]) -> bytes:
    """Return a PPTX; `build` gets an empty presentation."""
    presentation = Presentation()
    build(presentation)
    stream = io.BytesIO()
    presentation.save(stream)
    return stream.getvalue()


def prices(workbook: Workbook) -> None:
    sheet = workbook.worksheets[0]
    sheet.title = "Prices"
    for row in (("Plan", "Price", "Since"), ("Basic", 5, datetime.date(2026, 1, 2)), ("Pro", 15.5, None)):
        sheet.append(row)
    workbook.create_sheet("Empty")
    hidden = workbook.create_sheet("Hidden")
    hidden.append(("secret",))
    hidden.sheet_state = "hidden"


def test_rows_of_visible_sheets_name_their_columns(read: Read) -> None:
    result = read(excel(prices), "prices.xlsx")

    assert [(section.heading, section.text) for section in result.sections] == [
        (("Prices",), "Plan: Basic; Price: 5; Since: 2026-01-02\nPlan: Pro; Price: 15.5"),
    ]


def test_two_far_apart_cells_do_not_cost_a_million_rows(read: Read) -> None:
    def build(workbook: Workbook) -> None:
        workbook.worksheets[0]["A1"] = "near"
        workbook.worksheets[0]["XFD1048576"] = "far"

    assert read(excel(build), "far.xlsx").sections[0].text == "near"


def test_strict_workbook_is_read_like_any_other(read: Read) -> None:
    stream = io.BytesIO()
    data = excel(prices)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            part = old.read(name).replace(
                b"http://schemas.openxmlformats.org/spreadsheetml/2006/",
                b"http://purl.oclc.org/ooxml/spreadsheetml/",
            )
            new.writestr(name, part)

    assert "Plan: Basic" in read(stream.getvalue(), "strict.xlsx").sections[0].text


def test_entities_in_any_part_are_refused(refusal: Refusal) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa">]><sst>&a;</sst>'

    assert refusal(with_part(excel(prices), "xl/sharedStrings.xml", bomb), "a.xlsx").code == "archive_bomb"


def test_slides_are_pages_with_their_titles_tables_and_notes(read: Read) -> None:
    def build(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Returns"
        slide.placeholders[1].text = "Keep the receipt."
        slide.notes_slide.notes_text_frame.text = "Mention the box."
        second = presentation.slides.add_slide(presentation.slide_layouts[6])
        table = second.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
        for at, text in enumerate(("Plan", "Price", "Basic", "$5")):
            table.cell(at // 2, at % 2).text = text

    result = read(slides(build), "talk.pptx")

    assert result.pages == 2
    assert [(section.heading, section.page, section.text) for section in result.sections] == [
        (("Returns",), 1, "Keep the receipt.\n\nMention the box."),
        ((), 2, "Plan: Basic; Price: $5"),
    ]


def test_presentation_without_words_has_no_text(refusal: Refusal) -> None:
    data = slides(lambda presentation: presentation.slides.add_slide(presentation.slide_layouts[6]))

    assert refusal(data, "blank.pptx").code == "no_text"
