"""A picture as Phi-3-vision reads it: scaled, padded with white, cut into squares. Pillow and NumPy only.

The same as the Phi3ImageTransform of ONNX Runtime GenAI's processor, which needs the whole model to be
loaded, ends the process on a damaged JPEG, and cannot say beforehand how many tokens a picture takes.
"""

import io
from typing import Final

import numpy as np
import numpy.typing as npt

from inference.engines.pictures import decoded, opened
from inference.errors import ImageRefused
from inference.image_tokens import SQUARE, SQUARES_OF_ONE, Tiling, tiling
from inference.types import Image

MAX_ASPECT: Final = 100
WHITE: Final = (255, 255, 255)
MEAN: Final = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
DEVIATION: Final = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)

Floats = npt.NDArray[np.float32]


def tiling_of(image: Image, squares: int = SQUARES_OF_ONE) -> Tiling:
    """Look at the header alone. Raises: ImageRefused."""
    with opened(image) as picture:
        width, height = picture.size
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageRefused(f"{width} x {height} pixels are too narrow")
    return tiling(width, height, squares)


def as_png(image: Image) -> bytes:
    """Write it anew, so that a native decoder gets what we wrote ourselves. Raises: ImageRefused."""
    written = io.BytesIO()
    decoded(image).save(written, "PNG", compress_level=1)
    return written.getvalue()


def pixels(image: Image, squares: int = SQUARES_OF_ONE) -> tuple[Floats, npt.NDArray[np.int64]]:
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
    result = np.zeros((1, SQUARES_OF_ONE + 1, 3, SQUARE, SQUARE), np.float32)
    for channel in range(3):
        whole = PIL.Image.fromarray(np.ascontiguousarray(values[channel]))
        result[0, 0, channel] = np.asarray(whole.resize((SQUARE, SQUARE), PIL.Image.Resampling.BICUBIC))
    cells = values.reshape(3, cut.high, SQUARE, cut.wide, SQUARE).transpose(1, 3, 0, 2, 4)
    result[0, 1 : 1 + cut.high * cut.wide] = cells.reshape(-1, 3, SQUARE, SQUARE)
    return result, np.array([[size[1], size[0]]], np.int64)
