"""How Phi-4-multimodal cuts a picture into square crops, and how many tokens that makes. Pure; no pixels.

The picture is scaled, its shape kept, into the top left of a grid of crops; the rest of the grid is white.
The model reads every crop, and the grid once more as a single small crop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference.errors import ImageRefused
from inference.types import Image

# All pictures of a prompt share these crops. A crop is 256 tokens and more, and the context has 4096.
SHARED_CROPS: Final = 8
MIN_SIDE: Final = 10  # pixels of the scaled picture; the model's makers set it


@dataclass(frozen=True, slots=True)
class Tiling:
    """Where one picture goes. crop, patch: sides in pixels; width, height: of the scaled picture."""

    columns: int
    rows: int
    width: int
    height: int
    crop: int
    patch: int

    @property
    def patches(self) -> tuple[int, int]:
        """Columns and rows of the grid's patches that show some of the picture."""
        side = self.crop // self.patch
        across = self.columns * side - (self.columns * self.crop - self.width) // self.patch
        down = self.rows * side - (self.rows * self.crop - self.height) // self.patch
        return across, down

    @property
    def tokens(self) -> int:
        """How many tokens of the prompt it takes: 2 x 2 patches each, one more at the end of every line."""
        overview = self.crop // self.patch // 2
        across, down = (math.ceil(count / 2) for count in self.patches)
        return down * (across + 1) + 1 + overview * (overview + 1)


def tilings(images: Sequence[Image], crop: int, patch: int) -> list[Tiling]:
    """Plan every picture of a prompt; more pictures get fewer crops each. Raises: ImageRefused."""
    share = max(1, SHARED_CROPS // max(1, len(images)))
    return [tiling(image.width, image.height, crop, patch, share) for image in images]


def tiling(width: int, height: int, crop: int, patch: int, max_crops: int) -> Tiling:
    """Plan one picture of this size in pixels. Raises: ImageRefused."""
    if width < 1 or height < 1:
        raise ImageRefused(f"a picture of {width} x {height} pixels")
    columns, rows = _grid(width, height, crop, max_crops)
    whole = columns * crop, rows * crop
    across, down = whole[0] / width, whole[1] / height
    scaled = (whole[0], int(height * across)) if across < down else (int(width * down), whole[1])
    if min(scaled) < MIN_SIDE:
        raise ImageRefused(f"a picture of {width} x {height} pixels is too narrow")
    return Tiling(columns, rows, *scaled, crop, patch)


def _grid(width: int, height: int, crop: int, max_crops: int) -> tuple[int, int]:
    """Count columns and rows: as many as the picture covers, else those nearest to its shape."""
    columns, rows = math.ceil(width / crop), math.ceil(height / crop)
    if columns * rows <= max_crops:
        return columns, rows
    grids = [(c, r) for c in range(1, max_crops + 1) for r in range(1, max_crops // c + 1)]

    def distance(grid: tuple[int, int]) -> float:
        return abs(width / height - grid[0] / grid[1])

    nearest = min(map(distance, grids))
    equal = sorted((grid for grid in grids if distance(grid) == nearest), key=math.prod)
    filled = [grid for grid in equal[1:] if width * height > crop * crop * math.prod(grid) / 2]
    return filled[-1] if filled else equal[0]
