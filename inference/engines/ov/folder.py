"""An OpenVINO GenAI model folder on the disk: is it whole, and what does it say of itself.

Read without OpenVINO, so that the site can answer "is there a model?" without loading one.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.errors import ModelBroken, ModelNotFound

CONFIG_FILE: Final = "config.json"
MODEL: Final = "openvino_model"
VISION_MODEL_FILE: Final = "openvino_language_model.xml"
GRAPHS: Final = (MODEL, "openvino_tokenizer", "openvino_detokenizer")
# Beyond 4096 tokens a 128k (LongRoPE) model computes the whole prompt again, with other factors.
MAX_CONTEXT_TOKENS: Final = 4096
KV_VALUE_BYTES: Final = 2  # at most; on CPUs OpenVINO keeps 8 bits of a value
_CONSTANT: Final = re.compile(rb'offset="(\d+)" size="(\d+)"|size="(\d+)" offset="(\d+)"')


@dataclass(frozen=True, slots=True)
class OvFolder:
    """What a usable folder says of itself. kv_bytes_per_token: keys and values one token leaves behind."""

    path: Path
    label: str
    context_tokens: int
    kv_bytes_per_token: int
    ends: frozenset[int]


def read_folder(path: Path) -> OvFolder:
    """Check a folder and read what it says. Raises: ModelNotFound, ModelBroken."""
    if not path.is_dir():
        raise ModelNotFound(f"{path} is no folder")
    if (path / VISION_MODEL_FILE).is_file():
        raise ModelBroken(f"{path} holds a vision model; this engine runs text models")
    config = _json(path / CONFIG_FILE)
    for name in GRAPHS:
        _check_whole(path, name)
    context = _number(path, config, "max_position_embeddings")
    return OvFolder(
        path,
        _label(path),
        min(MAX_CONTEXT_TOKENS, context),
        _kv_bytes_per_token(path, config),
        _ends(path, config),
    )


def _check_whole(path: Path, name: str) -> None:
    """Compare a graph's weights with where the graph says they lie. Raises: ModelBroken."""
    graph, weights = path / f"{name}.xml", path / f"{name}.bin"
    for file in (graph, weights):
        if not file.is_file():
            raise ModelBroken(f"{file.name} is missing in {path}: no OpenVINO GenAI model, or half copied")
    described = graph.read_bytes()
    if not described.rstrip().endswith(b"</net>"):
        raise ModelBroken(f"{graph}: half copied")
    expected = 0
    for first_offset, first_size, second_size, second_offset in _CONSTANT.findall(described):
        expected = max(expected, int(first_offset or second_offset) + int(first_size or second_size))
    if weights.stat().st_size < expected:
        raise ModelBroken(f"{weights} has {weights.stat().st_size} of {expected} bytes: half copied")


def _kv_bytes_per_token(path: Path, config: dict[str, object]) -> int:
    heads = _number(path, config, "num_attention_heads")
    kv_heads = config.get("num_key_value_heads") or heads
    size = config.get("head_dim") or _number(path, config, "hidden_size") // heads
    if not isinstance(kv_heads, int) or not isinstance(size, int):
        raise ModelBroken(f"{path / CONFIG_FILE} does not say the size of its heads")
    return 2 * _number(path, config, "num_hidden_layers") * kv_heads * size * KV_VALUE_BYTES


def _ends(path: Path, config: dict[str, object]) -> frozenset[int]:
    """Ids that end a reply: those of generation_config.json where there is one."""
    own = path / "generation_config.json"
    ends = (_json(own) if own.is_file() else config).get("eos_token_id")
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in listed if isinstance(end, int))


def _label(path: Path) -> str:
    names = [path.name, *(parent.name for parent in list(path.parents)[:2])]
    return next((name for name in names if "phi" in name.lower()), path.name)


def _number(path: Path, config: dict[str, object], name: str) -> int:
    number = config.get(name)
    if not isinstance(number, int) or number < 1:
        raise ModelBroken(f"{path / CONFIG_FILE} has no {name}")
    return number


def _json(file: Path) -> dict[str, object]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelBroken(
            f"{file.name} is missing in {file.parent}: no OpenVINO GenAI model, or half copied"
        ) from exc
    except (OSError, ValueError) as exc:
        raise ModelBroken(f"{file}: {exc}") from exc
    if not isinstance(read, dict):
        raise ModelBroken(f"{file} holds no JSON object")
    return read
