"""Images made smaller for a server that takes only so many characters of base64."""

import io
from collections.abc import Sequence
from typing import Final

from inference.engines.pictures import decoded
from inference.errors import ImageRefused
from inference.types import Image

# The longer side in pixels, and JPEG's quality: four, three, two squares of the vision models, then one.
STEPS: Final = ((1344, 85), (1344, 70), (1008, 75), (1008, 60), (672, 70), (672, 50), (336, 60), (336, 40))
JPEG: Final = "image/jpeg"


def shrink(images: Sequence[Image], limit_chars: int) -> list[Image]:
    """Encode images as smaller and smaller JPEGs until their base64 is below limit_chars in all.

    An image that takes no more than its share stays as it is. Raises: ImageRefused.
    """
    fitted = list(images)
    for side, quality in STEPS:
        if sum(base64_chars(image) for image in fitted) < limit_chars:
            return fitted
        fitted = [
            image if base64_chars(image) < limit_chars // len(images) else _encode(image, side, quality)
            for image in images
        ]
    if sum(base64_chars(image) for image in fitted) < limit_chars:
        return fitted
    raise ImageRefused(f"{len(images)} images do not fit into {limit_chars} characters of base64")


def base64_chars(image: Image) -> int:
    """How long the image is as base64."""
    return -(-len(image.data) // 3) * 4


def _encode(image: Image, side: int, quality: int) -> Image:
    drawn = decoded(image)
    drawn.thumbnail((side, side))
    written = io.BytesIO()
    drawn.save(written, format="JPEG", quality=quality)
    return Image(written.getvalue(), drawn.width, drawn.height, JPEG)
