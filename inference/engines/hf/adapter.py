"""The vision adapter (LoRA) of Phi-4-multimodal: without it the model was never taught to read pictures.

It comes in a folder of its own beside the weights, as `peft` writes it. It is only ever added to what the
layers say, so it needs no peft, and the same weights answer text without it.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inference.errors import ModelBroken

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

ADAPTER_FOLDER: Final = "vision-lora"
ADAPTER_CONFIG: Final = "adapter_config.json"
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"
_NAME: Final = re.compile(
    r"(?:base_model\.model\.)?(?P<layer>model\..+)\.lora_(?P<half>[AB])(?:\.\w+)?\.weight"
)
# Kinds of adapters that are more than two matrices, and what each says when it is not used.
_UNUSED: Final[dict[str, tuple[object, ...]]] = {
    "use_dora": (None, False),
    "bias": (None, "none"),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "fan_in_fan_out": (None, False),
}


def read_scale(folder: Path) -> float:
    """Read what the product of the two matrices is multiplied by. Raises: ModelBroken."""
    try:
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelBroken(f"{folder / ADAPTER_CONFIG}: no adapter, or half copied: {exc}") from exc
    for name, usual in _UNUSED.items():
        if config.get(name) not in usual:
            raise ModelBroken(f"{folder}: an adapter with {name} = {config[name]!r} is not supported")
    if rank < 1:
        raise ModelBroken(f"{folder / ADAPTER_CONFIG}: r is {rank}")
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)


def attach(model: "PreTrainedModel", folder: Path) -> int:
    """Add the adapter to the layers of this model; give how many. Raises: ModelBroken."""
    from safetensors.torch import load_file

    scale = read_scale(folder)
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for name, weight in load_file(folder / ADAPTER_WEIGHTS).items():
        found = _NAME.fullmatch(name)
        if found is None:
            raise ModelBroken(f"{folder / ADAPTER_WEIGHTS}: {name} is no part of such an adapter")
        halves.setdefault(found["layer"], {})[found["half"]] = weight.to(model.device, model.dtype)
    try:
        for layer, pair in halves.items():
            _attach(model.get_submodule(layer), pair["A"], pair["B"] * scale)
    except (AttributeError, KeyError, ValueError) as exc:
        raise ModelBroken(f"{folder}: the adapter is for another model: {exc}") from exc
    return len(halves)


def _attach(layer: "torch.nn.Module", down: "torch.Tensor", up: "torch.Tensor") -> None:
    weight = layer.get_parameter("weight")
    if weight.shape != (up.shape[0], down.shape[1]) or up.shape[1] != down.shape[0]:
        raise ValueError(f"{tuple(up.shape)} x {tuple(down.shape)} for {tuple(weight.shape)}")

    def add(_: Any, inputs: tuple["torch.Tensor", ...], output: "torch.Tensor") -> "torch.Tensor":
        return output + inputs[0] @ down.T @ up.T

    layer.register_forward_hook(add)
