"""Pictures for the tests, as the attachments give them to an engine: PNG or JPEG, encoded by us."""

import io
import random

from PIL import Image as Pixels

from inference.types import Image


def picture(width: int = 60, height: int = 40, colour: tuple[int, int, int] = (200, 30, 30)) -> Image:
    """Draw one colour, in a hundred bytes or so."""
    return _encoded(Pixels.new("RGB", (width, height), colour), "PNG")


def noise(width: int, height: int, *, media_type: str = "image/png") -> Image:
    """Draw what no encoder can make small."""
    pixels = random.Random(width * height).randbytes(3 * width * height)
    drawn = Pixels.frombytes("RGB", (width, height), pixels)
    return _encoded(drawn, media_type.partition("/")[2].upper())


def _encoded(drawn: Pixels.Image, kind: str) -> Image:
    stored = io.BytesIO()
    drawn.save(stored, format=kind)
    return Image(stored.getvalue(), drawn.width, drawn.height, f"image/{kind.lower()}")
