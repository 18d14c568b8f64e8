"""How the Phi vision models cut an image, and how many tokens it takes, before anything is computed. Pure.

Phi-3-vision and Phi-3.5-vision scale an image up or down until it is as many squares of 336 pixels as
they may cut it into, then read each square, and the whole image once more in small. Each square is 144
tokens; each row of tokens ends with a mark, and one mark lies between the small image and the large one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference.types import ChatMessage

SQUARE: Final = 336  # pixels
SQUARE_TOKENS: Final = 144
ROW_MARKS: Final = 12  # rows of tokens in a square, each with the mark of its end
SQUARES_OF_ONE: Final = 16  # what the model cards advise for one image,
SQUARES_OF_SEVERAL: Final = 4  # and for each of several


@dataclass(frozen=True, slots=True)
class Tiling:
    """How an image is cut. width, height: pixels it is scaled to, before it is padded to whole squares."""

    width: int
    height: int

    @property
    def wide(self) -> int:
        """Squares beside each other."""
        return math.ceil(self.width / SQUARE)

    @property
    def high(self) -> int:
        """Squares on top of each other."""
        return math.ceil(self.height / SQUARE)

    @property
    def tokens(self) -> int:
        """Tokens it takes in a prompt: of its squares, of the whole made small, and of the marks."""
        return (self.high * self.wide + 1) * SQUARE_TOKENS + 1 + (self.high + 1) * ROW_MARKS


def tiling(width: int, height: int, squares: int = SQUARES_OF_ONE) -> Tiling:
    """Scale an image of width x height pixels to as many squares as are allowed."""
    ratio = max(width, height, 1) / max(1, min(width, height))
    long = 1
    while (long + 1) * math.ceil((long + 1) / ratio) <= squares:
        long += 1
    short = max(1, int(long * SQUARE / ratio))
    return Tiling(long * SQUARE, short) if width >= height else Tiling(short, long * SQUARE)


def squares_for(images: int, several: int = SQUARES_OF_SEVERAL) -> int:
    """Say into how many squares each image of a prompt is cut, at most."""
    return SQUARES_OF_ONE if images < 2 else several


def count_images(messages: Sequence[ChatMessage]) -> int:
    """Count the tokens of all images of a prompt, as the Phi vision models would cut them."""
    images = [image for message in messages for image in message.images]
    squares = squares_for(len(images))
    return sum(tiling(image.width, image.height, squares).tokens for image in images)
