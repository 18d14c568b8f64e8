"""Draw one page of a PDF: `python -m knowledge.extract.page_image INDEX`, PDF in, PGM (8 bit grey) out.

A process of its own: a picture that PDFium cannot decode ends this page and not the document.
"""

from __future__ import annotations

import math
import sys

from knowledge.extract import limits

DPI = 300
MAX_PIXELS = 12_000_000  # of the drawing: A3 at 300 dots per inch is less sharp than A4
MAX_PICTURE_PIXELS = 100_000_000  # of a picture on the page: A3 at 600 dots per inch has 70
_STATUS_REFUSED = 3


def draw(pdf: bytes, index: int) -> bytes:
    """Return page `index` (from 0) as a PGM file.

    Raises: ValueError for a page or picture that is too large; pypdfium2.PdfiumError.
    """
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[index]
        _check_pictures(page)
        bitmap = page.render(scale=_scale(*page.get_size()), grayscale=True)
    finally:
        document.close()
    pixels, width, height, stride = bitmap.buffer, bitmap.width, bitmap.height, bitmap.stride
    rows = bytes(pixels)
    if stride != width:
        rows = b"".join(rows[at * stride : at * stride + width] for at in range(height))
    return b"P5 %d %d 255\n" % (width, height) + rows


def _scale(width: float, height: float) -> float:
    """Return pixels for each point of the page, so that the drawing stays under MAX_PIXELS."""
    if not (width >= 1 and height >= 1):
        raise ValueError(f"a page of {width} × {height} points")
    scale = min(DPI / 72, math.sqrt(MAX_PIXELS / (width * height)))
    if min(width, height) * scale < 8:
        raise ValueError(f"a page of {width} × {height} points")
    return scale


def _check_pictures(page: object) -> None:
    """Refuse pictures that would take too much memory, before anything decodes them."""
    from pypdfium2 import raw

    for item in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,)):  # type: ignore[attr-defined]
        width, height = item.get_px_size()
        if width * height > MAX_PICTURE_PIXELS:
            raise ValueError(f"a picture of {width} × {height} pixels")


def main() -> int:
    """Draw the page named on the command line."""
    limits.cut_network()
    try:
        drawing = draw(sys.stdin.buffer.read(), int(sys.argv[1]))
    except ValueError as exc:
        sys.stderr.write(f"{exc}\n")
        return _STATUS_REFUSED
    sys.stdout.buffer.write(drawing)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
