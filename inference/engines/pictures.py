"""The pictures of a prompt, for every engine: which they are, and their pixels."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from inference.errors import BadRequest, ImageRefused
from inference.types import ChatMessage, Image, Role

if TYPE_CHECKING:
    import PIL.Image

MAX_PIXELS: Final = 50_000_000
FORMATS: Final = ("PNG", "JPEG")


def images_of(messages: Sequence[ChatMessage]) -> list[Image]:
    """List the pictures of a prompt in their order. Raises: BadRequest (not in a user's turn)."""
    for message in messages:
        if message.images and message.role is not Role.USER:
            raise BadRequest(f"only a user's message holds images, not one of {message.role}")
    return [image for message in messages for image in message.images]


def opened(image: Image) -> "PIL.Image.Image":
    """Look at the header alone. Raises: ImageRefused."""
    import PIL.Image

    try:
        picture = PIL.Image.open(io.BytesIO(image.data), formats=FORMATS)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as exc:
        raise ImageRefused(f"no PNG or JPEG: {exc}") from exc
    width, height = picture.size
    if (width, height) != (image.width, image.height):
        raise ImageRefused(f"{width} x {height} pixels where {image.width} x {image.height} were said")
    if width * height > MAX_PIXELS:
        raise ImageRefused(f"{width} x {height} pixels are too many")
    return picture


def decoded(image: Image) -> "PIL.Image.Image":
    """Decode all of it, as RGB. Raises: ImageRefused."""
    with opened(image) as picture:
        try:
            return picture.convert("RGB")
        except (OSError, SyntaxError, ValueError) as exc:  # what Pillow raises on damaged files
            raise ImageRefused(f"the image cannot be decoded: {exc}") from exc
