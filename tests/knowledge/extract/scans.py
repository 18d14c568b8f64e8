"""Scans made by the tests: pages drawn by Pillow, and programs that stand where Tesseract would."""

from __future__ import annotations

import io
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter

from knowledge.extract.ocr import Tesseract
from knowledge.ocr import installed_languages

ENGLISH = [
    "The warranty covers the boiler for five years.",
    "Returns are accepted within thirty days.",
    "Please call the office on any working day.",
]
HEBREW = ["האחריות על הדוד היא לחמש שנים", "החזרות מתקבלות בתוך שלושים יום", "טלפון לשירות לקוחות בימי חול"]
RUSSIAN = [
    "Гарантия на котёл действует пять лет.",
    "Возврат товара возможен в течение тридцати дней.",
    "Звоните в отдел по рабочим дням с девяти до пяти.",
]
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")  # fonts-dejavu-core
PROGRAM = shutil.which("tesseract")
INSTALLED = installed_languages(PROGRAM) if PROGRAM else frozenset()

needs_english = pytest.mark.skipif("eng" not in INSTALLED, reason="Tesseract is not installed")
needs_hebrew = pytest.mark.skipif(
    "heb" not in INSTALLED or not FONT.exists(), reason="Tesseract's Hebrew or its font is not installed"
)
needs_orientation = pytest.mark.skipif("osd" not in INSTALLED, reason="Tesseract's osd is not installed")
needs_font = pytest.mark.skipif(not FONT.exists(), reason="fonts-dejavu-core is not installed")


def tesseract(*languages: str) -> Tesseract:
    """Return the installed program for these languages."""
    assert PROGRAM is not None
    return Tesseract(PROGRAM, languages, can_turn="osd" in INSTALLED)


def stand_in(folder: Path, script: str, page_s: float = 20.0) -> Tesseract:
    """Return a real program that behaves as a broken Tesseract may."""
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Tesseract(str(program), ("eng",), page_s=page_s)


def drawn(lines: Sequence[str], *, mode: str = "L", turned: int = 0) -> Image.Image:
    """Return a page at 200 dots per inch with printed lines; Hebrew ones are set from the right."""
    page = Image.new("L", (1654, 1000), 255)
    draw = ImageDraw.Draw(page)
    for at, line in enumerate(lines):
        if line.isascii():
            draw.text((150, 100 + 80 * at), line, font=ImageFont.load_default(36), fill=0)
            continue
        font = ImageFont.truetype(str(FONT), 40, layout_engine=ImageFont.Layout.BASIC)
        is_hebrew = line[0] >= "א"
        place, anchor = (1500, "ra") if is_hebrew else (150, "la")
        draw.text((place, 100 + 80 * at), line[::-1] if is_hebrew else line, font=font, fill=0, anchor=anchor)
    return page.rotate(turned, expand=True).convert(mode)


def scan(*pages: Image.Image) -> bytes:
    """Return a PDF whose pages are these pictures."""
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", resolution=200, save_all=True, append_images=pages[1:])
    return stream.getvalue()


def joined(*documents: bytes) -> bytes:
    """Return one PDF with the pages of all."""
    writer = PdfWriter()
    for document in documents:
        writer.append(PdfReader(io.BytesIO(document)))
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()
