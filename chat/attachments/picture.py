"""From a stranger's file to a picture of our own: by its content, upright, without metadata, of a fair size.

Runs in the child alone (chat/attachments/child.py). No Django.
"""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from chat.attachments.types import Picture
from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")  # "JPEG" also opens the pictures phones save as MPO
MAX_PIXELS: Final = 40_000_000
MAX_RATIO: Final = 20
MAX_SIDE: Final = 1344  # four tiles of 336: more is scaled down by Phi itself
MAX_PNG_BYTES: Final = 1_500_000
JPEG_QUALITY: Final = 90


def read_picture(file: BinaryIO) -> Picture:
    """Check a file and encode what it shows anew.

    The first frame of a moving picture counts. Raises: Refused (unsupported_type; too_large with the unit
    "megapixels" or "ratio"), and whatever Pillow raises for a damaged file.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about its metadata is dropped with them
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=FORMATS) as image:
                check_size(image.width, image.height)
                return _encode(_prepare(image))
        except UnidentifiedImageError as exc:
            raise Refused(FailureCode.UNSUPPORTED_TYPE) from exc
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
            raise _too_large("megapixels", MAX_PIXELS // 1_000_000) from exc


def check_size(width: int, height: int) -> None:
    """Decide from the header alone, before anything is decoded. Raises: Refused."""
    if width * height > MAX_PIXELS:
        raise _too_large("megapixels", MAX_PIXELS // 1_000_000)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise _too_large("ratio", MAX_RATIO)


def _too_large(unit: str, limit: int) -> Refused:
    return Refused(FailureCode.TOO_LARGE, unit=unit, limit=limit)


def _prepare(image: Image.Image) -> Image.Image:
    """Decode, make small, flatten on white and turn upright, in the order that takes least memory."""
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a large JPEG is decoded at a part of its size
    image.load()
    orientation = image.getexif()
    flat = _flatten(_shrink(_in_colour(image)))
    clean = Image.new("RGB", flat.size)
    clean.paste(flat)
    clean.getexif().update(orientation)
    upright = ImageOps.exif_transpose(clean)
    upright.info.clear()
    return upright


def _in_colour(image: Image.Image) -> Image.Image:
    """Return a mode that can be scaled smoothly."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in {"RGB", "RGBA", "L"}:
        return image if "transparency" not in image.info else image.convert("RGBA")
    has_alpha = image.mode in {"LA", "PA", "La", "RGBa"} or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _shrink(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest <= MAX_SIDE:
        return image
    width, height = (max(1, round(side * MAX_SIDE / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _encode(image: Image.Image) -> Picture:
    """Write PNG, or JPEG where a photograph would be large as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    media_type = "image/png"
    if buffer.tell() > MAX_PNG_BYTES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=JPEG_QUALITY)
        media_type = "image/jpeg"
    return Picture(buffer.getvalue(), image.width, image.height, media_type)
