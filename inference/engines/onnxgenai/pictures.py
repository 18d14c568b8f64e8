"""A picture as Phi-3-vision reads it: scaled, padded with white, cut into squares. Pillow and NumPy only.

The same as the Phi3ImageTransform of ONNX Runtime GenAI's processor, which needs the whole model to be
loaded, ends the process on a damaged JPEG, and cannot say beforehand how many tokens a picture takes.
"""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from inference.errors import ImageRefused
from inference.types import Image

if TYPE_CHECKING:
    import PIL.Image

SQUARE: Final = 336  # pixels
MAX_SQUARES: Final = 16
SQUARES_OF_SEVERAL: Final = 4  # each; what its makers advise for several pictures
SQUARE_TOKENS: Final = 144
LINE_TOKENS: Final = 12  # a square has 12 lines of tokens; one more token ends each of them
MAX_PIXELS: Final = 50_000_000
MAX_ASPECT: Final = 100
WHITE: Final = (255, 255, 255)
FORMATS: Final = ("PNG", "JPEG")
MEAN: Final = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
DEVIATION: Final = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a picture is cut. width, height: pixels it is scaled to, before it is padded to whole squares."""

    width: int
    height: int

    @property
    def wide(self) -> int:
        """Squares beside each other."""
        return -(-self.width // SQUARE)

    @property
    def high(self) -> int:
        """Squares on top of each other."""
        return -(-self.height // SQUARE)

    @property
    def tokens(self) -> int:
        """Tokens it takes in a prompt: of its squares, of the whole made small, and of the lines' ends."""
        return (self.high * self.wide + 1) * SQUARE_TOKENS + 1 + (self.high + 1) * LINE_TOKENS


def tiling(width: int, height: int, squares: int = MAX_SQUARES) -> Tiling:
    """Scale a picture to as many squares as are allowed."""
    ratio = max(width, height) / min(width, height)
    scale = 1
    while scale * -(-scale // ratio) <= squares:
        scale += 1
    long = (scale - 1) * SQUARE
    short = max(1, int(long / ratio))
    return Tiling(long, short) if width >= height else Tiling(short, long)


def tiling_of(image: Image, squares: int = MAX_SQUARES) -> Tiling:
    """Look at the header alone. Raises: ImageRefused."""
    with _opened(image) as picture:
        return tiling(*picture.size, squares)


def decoded(image: Image) -> "PIL.Image.Image":
    """Decode all of it, as RGB. Raises: ImageRefused."""
    with _opened(image) as picture:
        try:
            return picture.convert("RGB")
        except (OSError, SyntaxError, ValueError) as exc:  # what Pillow raises on damaged files
            raise ImageRefused(f"the image cannot be decoded: {exc}") from exc


def as_png(image: Image) -> bytes:
    """Write it anew, so that a native decoder gets what we wrote ourselves. Raises: ImageRefused."""
    written = io.BytesIO()
    decoded(image).save(written, "PNG", compress_level=1)
    return written.getvalue()


def pixels(image: Image, squares: int = MAX_SQUARES) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Cut a picture for the vision graph. Raises: ImageRefused.

    Shapes: (1, 17, 3, 336, 336), the whole made small first, then its squares row by row, then zeros;
    and (1, 2), height and width of all its squares in pixels. Units: see MEAN and DEVIATION.
    """
    import PIL.Image

    picture = decoded(image)
    cut = tiling(*picture.size, squares)
    scaled = picture.resize((cut.width, cut.height), PIL.Image.Resampling.BILINEAR)
    size = (cut.wide * SQUARE, cut.high * SQUARE)
    padded = PIL.Image.new("RGB", size, WHITE)
    padded.paste(scaled, ((size[0] - cut.width) // 2, (size[1] - cut.height) // 2))
    values = ((np.asarray(padded, np.float32) / np.float32(255) - MEAN) / DEVIATION).transpose(2, 0, 1)
    result = np.zeros((1, MAX_SQUARES + 1, 3, SQUARE, SQUARE), np.float32)
    for channel in range(3):
        whole = PIL.Image.fromarray(np.ascontiguousarray(values[channel]))
        result[0, 0, channel] = np.asarray(whole.resize((SQUARE, SQUARE), PIL.Image.Resampling.BICUBIC))
    cells = values.reshape(3, cut.high, SQUARE, cut.wide, SQUARE).transpose(1, 3, 0, 2, 4)
    result[0, 1 : 1 + cut.high * cut.wide] = cells.reshape(-1, 3, SQUARE, SQUARE)
    return result, np.array([[size[1], size[0]]], np.int64)


def _opened(image: Image) -> "PIL.Image.Image":
    import PIL.Image

    try:
        picture = PIL.Image.open(io.BytesIO(image.data), formats=FORMATS)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as exc:
        raise ImageRefused(f"no PNG or JPEG: {exc}") from exc
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageRefused(f"{width} x {height} pixels are too many, or too narrow")
    return picture
