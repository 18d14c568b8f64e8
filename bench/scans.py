"""Scanned pages a minute through the parser child and Tesseract, and how many words come back right.

`python -m bench.scans --pages 12 --languages eng,heb,ara`; each page is drawn here, A4 at 200 dots per inch,
from made-up Latin words or from the words of a text (`--text`, with a font that has its letters).
"""

import argparse
import io
import json
import os
import random
import resource
import shutil
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from knowledge.extract.ocr import Tesseract
from knowledge.extract.runner import extract

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LINES, WORDS_A_LINE = 42, 10
VOWELS, CONSONANTS = "aeiou", "bcdfghlmnprstvw"


def main() -> None:
    """Read the pages and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--languages", default="eng")
    parser.add_argument(
        "--blur", type=int, default=0, help="shrink pages to this width first, as a poor scan"
    )
    parser.add_argument("--text", type=Path, help="a text whose words are printed")
    parser.add_argument("--font", help="a TrueType font with the letters of that text")
    options = parser.parse_args()
    program = shutil.which("tesseract")
    if program is None:
        raise SystemExit("Tesseract is not installed: apt-get install tesseract-ocr")
    pages = text_words(options.text, options.pages) if options.text else made_up_words(options.pages)
    font = ImageFont.truetype(options.font, 28) if options.font else ImageFont.load_default(28)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan.pdf")
        path.write_bytes(as_pdf([drawn(words, font, options.blur) for words in pages]))
        size_bytes = path.stat().st_size
        tesseract = Tesseract(program, tuple(options.languages.split(",")), can_turn=True)
        started = time.monotonic()
        text = extract(path, "scan.pdf", tesseract=tesseract)
        wall_s = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = Counter(word for section in text.sections for word in section.text.split())
    wanted = Counter(word for words in pages for word in words)
    right = sum((found & wanted).values())
    figures = {
        "bench": "scans",
        "languages": options.languages,
        "pages": options.pages,
        "words_a_page": LINES * WORDS_A_LINE,
        "bytes_a_page": size_bytes // options.pages,
        "pages_a_minute": round(options.pages / wall_s * 60, 1),
        "cpu_s_a_page": round((used.ru_utime + used.ru_stime) / options.pages, 2),
        "largest_process_mb": round(used.ru_maxrss / 1024),
        "words_right": round(right / sum(wanted.values()), 4),
        "words_wrong": round((sum(found.values()) - right) / sum(wanted.values()), 4),
        "load_before": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures))


def text_words(path: Path, pages: int) -> list[list[str]]:
    """Return the first words of a text, page by page."""
    words = path.read_text(encoding="utf-8").split()
    size = LINES * WORDS_A_LINE
    return [words[page * size : (page + 1) * size] for page in range(pages)]


def made_up_words(pages: int) -> list[list[str]]:
    """Return words that no language model helps to guess, page by page."""
    return [_made_up(random.Random(seed)) for seed in range(pages)]


def _made_up(chance: random.Random) -> list[str]:
    return [
        "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _part in range(chance.randint(1, 4)))
        for _word in range(LINES * WORDS_A_LINE)
    ]


def drawn(words: list[str], font: Font, width: int) -> Image.Image:
    """Return one page as grey pixels, through `width` pixels across if that is not 0."""
    page = Image.new("L", (1654, 2339), 250)
    draw = ImageDraw.Draw(page)
    for line in range(LINES):
        printed = " ".join(words[line * WORDS_A_LINE : (line + 1) * WORDS_A_LINE])
        is_rtl = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in printed)
        if is_rtl:
            draw.text((1524, 140 + line * 49), printed, font=font, fill=20, anchor="ra", direction="rtl")
        else:
            draw.text((130, 140 + line * 49), printed, font=font, fill=20)
    return page.resize((width, width * 2339 // 1654)) if width else page


def as_pdf(pages: list[Image.Image]) -> bytes:
    """Return pictures as the pages of a PDF."""
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", resolution=200, save_all=True, append_images=pages[1:])
    return stream.getvalue()


if __name__ == "__main__":
    main()
