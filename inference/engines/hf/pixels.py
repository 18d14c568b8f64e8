"""From pictures to what Phi-4-multimodal's vision part reads.

transformers' own processor needs torchvision; these are the same numbers without it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inference.engines.hf.tiling import Tiling
from inference.engines.pictures import decoded
from inference.types import Image

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image as Picture


def pixel_inputs(images: Sequence[Image], planned: Sequence[Tiling]) -> dict[str, "torch.Tensor"]:
    """Give the model's inputs for the pictures of one prompt, in order.

    Shape: image_pixel_values (pictures, crops, 3, crop, crop), between -1 and 1, the overview first;
    image_attention_mask (pictures, crops, patches, patches); image_sizes (pictures, 2), rows first.
    Pictures with fewer crops than others are filled up with crops that are not read.
    Raises: ImageRefused.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    crops = [_crops(decoded(image), plan) for image, plan in zip(images, planned, strict=True)]
    sizes = [[plan.rows * plan.crop, plan.columns * plan.crop] for plan in planned]
    return {
        "image_pixel_values": pad_sequence(crops, batch_first=True),
        "image_attention_mask": pad_sequence(
            [_mask(plan) for plan in planned], batch_first=True, padding_value=1.0
        ),
        "image_sizes": torch.tensor(sizes, dtype=torch.long),
    }


def _crops(picture: "Picture", plan: Tiling) -> "torch.Tensor":
    """Cut it; shape (1 + columns * rows, 3, crop, crop)."""
    import numpy as np
    import torch
    from PIL import Image as pillow

    grid = pillow.new("RGB", (plan.columns * plan.crop, plan.rows * plan.crop), "white")
    grid.paste(picture.resize((plan.width, plan.height), pillow.Resampling.BILINEAR))
    whole = torch.from_numpy(np.asarray(grid, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1
    scale: Any = torch.nn.functional.interpolate
    overview = scale(whole[None], size=(plan.crop, plan.crop), mode="bicubic", align_corners=False)
    return torch.cat([overview, _cut(whole, plan, plan.crop)])


def _mask(plan: Tiling) -> "torch.Tensor":
    """Mark the patches that show some of the picture; shape (1 + columns * rows, patches, patches)."""
    import torch

    side = plan.crop // plan.patch
    across, down = plan.patches
    whole = torch.zeros(1, plan.rows * side, plan.columns * side)
    whole[:, :down, :across] = 1
    return torch.cat([torch.ones(1, side, side), _cut(whole, plan, side)[:, 0]])


def _cut(whole: "torch.Tensor", plan: Tiling, side: int) -> "torch.Tensor":
    """Cut (channels, height, width) into squares, line by line; shape (squares, channels, side, side)."""
    squares = whole.reshape(len(whole), plan.rows, side, plan.columns, side).permute(1, 3, 0, 2, 4)
    return squares.reshape(-1, len(whole), side, side)
