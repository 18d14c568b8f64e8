"""A Hugging Face model folder on the disk: is it whole, and is it one transformers can load by itself.

Read without transformers, so that the site can answer "is there a model?" without loading one.
Nothing is downloaded here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.engines.hf.adapter import ADAPTER_FOLDER, ADAPTER_WEIGHTS, read_scale
from inference.errors import ModelBroken, ModelNotFound

CONFIG_FILE: Final = "config.json"
INDEX_FILE: Final = "model.safetensors.index.json"
WEIGHTS_FILE: Final = "model.safetensors"
TOKENIZER_FILE: Final = "tokenizer.json"
TEMPLATE_FILE: Final = "chat_template.jinja"
# Beyond 4096 tokens a 128k (LongRoPE) model computes the whole prompt again, with other factors.
MAX_CONTEXT_TOKENS: Final = 4096
HEADER_BYTES: Final = 8  # a safetensors file begins with the length of its table of contents
MAX_TABLE_BYTES: Final = 100_000_000

LOADABLE: Final = frozenset({"phi3", "phimoe", "phi4_multimodal"})
_ELSEWHERE: Final = "choose another engine for it: ENGINE=onnx with its ONNX export, or ENGINE=openai"
REFUSED: Final = {
    "phi3_v": f"Phi-3-vision and Phi-3.5-vision cannot be loaded by transformers 5; {_ELSEWHERE}"
    " with a server that runs it",
    "phi3small": f"Phi-3-small cannot be loaded by transformers 5; {_ELSEWHERE} with a server that runs it",
    "phi4mm": "this copy of Phi-4-multimodal needs program code of its own, which is never run; get the "
    "files made for transformers (hf download microsoft/Phi-4-multimodal-instruct --revision refs/pr/70), "
    "or choose another engine: ENGINE=openai",
}
SEEING: Final = "phi4_multimodal"
BLIND: Final = f"It reads text only: its vision adapter, the folder {ADAPTER_FOLDER}, is missing."
# What the configuration leaves out where it is as usual.
VISION_DEFAULTS: Final = {"crop_size": 448, "patch_size": 14, "image_token_id": 200010}


@dataclass(frozen=True, slots=True)
class VisionPart:
    """How a model reads pictures. crop, patch: sides in pixels; token_id: stands for a piece of a picture."""

    adapter: Path
    crop: int
    patch: int
    token_id: int


@dataclass(frozen=True, slots=True)
class HfFolder:
    """What a usable folder says of itself.

    vision: None where the model reads text only. note: what an administrator should know, often nothing.
    """

    path: Path
    label: str
    context_tokens: int
    vision: VisionPart | None = None
    note: str = ""


def find_folder(model: str) -> Path:
    """Find a folder by its path, or by its hub name in the local cache. Raises: ModelNotFound."""
    if not model:
        raise ModelNotFound("no model is named")
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    config = _cached_config(model)
    if config is None:
        raise ModelNotFound(f"{model} is no folder, and not in the local cache: hf download {model}")
    return config.parent  # not resolved: the cache links to files named by their sums


def read_folder(path: Path) -> HfFolder:
    """Check a folder and read what it says. Raises: ModelNotFound, ModelBroken."""
    if not path.is_dir():
        raise ModelNotFound(f"{path} is no folder")
    config = _json(path / CONFIG_FILE)
    _check_kind(path, config)
    for file in _weights(path):
        _check_whole(file)
    if not (path / TOKENIZER_FILE).is_file():
        raise ModelBroken(f"{path}: {TOKENIZER_FILE} is missing, half copied")
    has_template = "chat_template" in _json(path / "tokenizer_config.json")
    if not has_template and not (path / TEMPLATE_FILE).is_file():
        raise ModelBroken(f"{path} has no chat template: a base model, or half copied")
    context = config.get("max_position_embeddings")
    if not isinstance(context, int) or context < 1:
        raise ModelBroken(f"{path / CONFIG_FILE} has no max_position_embeddings")
    vision = _vision(path, config)
    is_blind = vision is None and config.get("model_type") == SEEING
    return HfFolder(
        path, _label(path), min(MAX_CONTEXT_TOKENS, context), vision, note=BLIND if is_blind else ""
    )


def _check_kind(path: Path, config: dict[str, object]) -> None:
    kind = config.get("model_type")
    if isinstance(kind, str) and kind in REFUSED:
        raise ModelBroken(f"{path}: {REFUSED[kind]}")
    if kind not in LOADABLE:
        raise ModelBroken(f"{path}: model_type {kind!r} is no Phi model that transformers loads by itself")


def _vision(path: Path, config: dict[str, object]) -> VisionPart | None:
    """Read how it sees; without its vision adapter the model was never taught to."""
    adapter = path / ADAPTER_FOLDER
    if config.get("model_type") != SEEING or not adapter.is_dir():
        return None
    read_scale(adapter)
    _check_whole(adapter / ADAPTER_WEIGHTS)
    part = config.get("vision_config")
    said = {**VISION_DEFAULTS, **(part if isinstance(part, dict) else {})}
    crop, patch, token_id = said["crop_size"], said["patch_size"], said["image_token_id"]
    whole = isinstance(crop, int) and isinstance(patch, int) and isinstance(token_id, int)
    if not whole or patch < 1 or crop < 1 or crop % (2 * patch):
        raise ModelBroken(f"{path / CONFIG_FILE}: vision_config makes no sense")
    return VisionPart(adapter, crop, patch, token_id)


def _weights(path: Path) -> list[Path]:
    """List the files of the weights, one or many."""
    if not (path / INDEX_FILE).is_file():
        return [path / WEIGHTS_FILE]
    parts = _json(path / INDEX_FILE).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise ModelBroken(f"{path / INDEX_FILE} lists no weights")
    return [path / name for name in sorted({str(part) for part in parts.values()})]


def _check_whole(file: Path) -> None:
    """Compare a safetensors file with its own table of contents. Raises: ModelBroken."""
    if not file.is_file():
        raise ModelBroken(f"{file.parent}: the weights {file.name} are missing (safetensors, half copied?)")
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(HEADER_BYTES), "little")
        table = opened.read(length) if length <= MAX_TABLE_BYTES else b""
    try:
        entries = json.loads(table)
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelBroken(f"{file} is no safetensors file, or half copied") from exc
    expected = HEADER_BYTES + length + max(ends, default=0)
    if file.stat().st_size != expected:
        raise ModelBroken(f"{file} has {file.stat().st_size} of {expected} bytes: half copied")


def _label(path: Path) -> str:
    """Name the model: the nearest folder name with "phi" in it; the cache's begin with models--owner--."""
    names = [path.name, *(parent.name for parent in list(path.parents)[:2])]
    name = next((name for name in names if "phi" in name.lower()), path.name)
    return name.rpartition("--")[2]


def _cached_config(model: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, CONFIG_FILE)
    except HFValidationError:  # a path that is not there
        return None
    return Path(found) if isinstance(found, str) else None


def _json(file: Path) -> dict[str, object]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelBroken(
            f"{file.name} is missing in {file.parent}: no Hugging Face model, or half copied"
        ) from exc
    except (OSError, ValueError) as exc:
        raise ModelBroken(f"{file}: {exc}") from exc
    if not isinstance(read, dict):
        raise ModelBroken(f"{file} holds no JSON object")
    return read
