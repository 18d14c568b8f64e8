"""How many tokens an image takes in a prompt, before anything is computed. Pure.

Phi-3-vision and Phi-3.5-vision scale an image up or down until it is as many squares of 336 pixels as
they may cut it into, then read each square, and the whole image once more in small. Each square is 144
tokens; each row of tokens ends with a mark, and one mark lies between the small image and the large one.
"""

import math
from collections.abc import Sequence
from typing import Final

from inference.types import ChatMessage

SQUARE: Final = 336  # pixels
SQUARE_TOKENS: Final = 144
ROW_MARKS: Final = 12  # rows of tokens in a square, each with the mark of its end
CROPS_OF_ONE: Final = 16  # what the model cards advise for one image,
CROPS_OF_SEVERAL: Final = 4  # and for several


def phi3v_tokens(width: int, height: int, crops: int = CROPS_OF_ONE) -> int:
    """Count the tokens of an image of width x height pixels, cut into at most `crops` squares."""
    columns, rows = phi3v_squares(width, height, crops)
    return (rows * columns + 1) * SQUARE_TOKENS + 1 + (rows + 1) * ROW_MARKS


def phi3v_squares(width: int, height: int, crops: int = CROPS_OF_ONE) -> tuple[int, int]:
    """Say into how many columns and rows of squares an image is cut."""
    ratio = max(width, height) / max(1, min(width, height))
    long = 1
    while (long + 1) * math.ceil((long + 1) / ratio) <= crops:
        long += 1
    short = max(1, math.ceil(int(long * SQUARE / ratio) / SQUARE))
    return (long, short) if width >= height else (short, long)


def count_images(messages: Sequence[ChatMessage]) -> int:
    """Count the tokens of all images of a prompt, as the Phi vision models would cut them."""
    images = [image for message in messages for image in message.images]
    crops = CROPS_OF_ONE if len(images) == 1 else CROPS_OF_SEVERAL
    return sum(phi3v_tokens(image.width, image.height, crops) for image in images)
