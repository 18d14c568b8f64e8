"""A model folder of ONNX Runtime GenAI on the disk: is it whole, and what does it say of itself.

Read without the runtime, so that the site can answer "is there a model?" without loading one.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from inference.engines.onnxgenai.graph import Graph, read_graph
from inference.engines.onnxgenai.sight import Sight, read_sight
from inference.errors import ModelBroken, ModelNotFound

CONFIG_FILE: Final = "genai_config.json"
TOKENIZER_FILE: Final = "tokenizer.json"
# Beyond 4096 tokens a 128k (LongRoPE) model computes the whole prompt again, with other factors.
MAX_CONTEXT_TOKENS: Final = 4096
SEEING_TYPE: Final = "phi3v"
OTHER_SIGHT: Final = "phi4mm"  # cuts pictures in another way, and has graphs for speech as well


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a usable folder says of itself.

    specials: the text and id of every added token of the tokenizer, control tokens all.
    ends: ids that end a reply. unknown: id of the token for unknown text, which is no control token.
    graph: what is known of the decoder's graph, if anything.
    sight: its graphs for pictures, where it has eyes. is_paged: whether it was made for og.Engine, on a GPU.
    context_tokens: as far as it goes by itself; model_context_tokens: as the model was made.
    """

    path: Path
    context_tokens: int
    specials: dict[str, int]
    ends: frozenset[int]
    unknown: int | None
    graph: Graph | None = None
    model_context_tokens: int = 0
    sight: Sight | None = None
    is_paged: bool = False

    @property
    def reply_ends(self) -> frozenset[int]:
        """Ids at which a reply is over: those named by the config, and every other control token."""
        return self.ends | frozenset(self.specials.values())

    @property
    def label(self) -> str:
        """Name the model: the nearest folder name with "phi" in it, as downloads nest them."""
        names = [self.path.name, *(parent.name for parent in list(self.path.parents)[:2])]
        return next((name for name in names if "phi" in name.lower()), self.path.name)


def read_folder(path: Path) -> ModelFolder:
    """Check a folder and read what it says. Raises: ModelNotFound, ModelBroken."""
    if not path.is_dir():
        raise ModelNotFound(f"{path} is no folder")
    config = _json(path / CONFIG_FILE)
    model = config.get("model")
    if not isinstance(model, dict):
        raise ModelBroken(f"{path / CONFIG_FILE} describes no model")
    if model.get("type") == OTHER_SIGHT:
        raise ModelBroken(f"{path} holds Phi-4-multimodal; run it with the transformers engine")
    decoder = model.get("decoder")
    file = decoder.get("filename") if isinstance(decoder, dict) else None
    if not isinstance(file, str) or not (path / file).is_file():
        raise ModelBroken(f"{path}: the weights {file!r} are missing")
    partial = sorted(one.name for one in path.iterdir() if one.suffix in {".incomplete", ".part", ".tmp"})
    if partial:
        raise ModelBroken(f"{path}: half downloaded ({partial[0]})")
    context = model.get("context_length")
    if not isinstance(context, int) or context < 1:
        raise ModelBroken(f"{path / CONFIG_FILE} has no context_length")
    specials, unknown = _specials(path)
    sight = read_sight(path, model) if model.get("type") == SEEING_TYPE else None
    graph = read_graph(path / file, decoder, config.get("search")) if isinstance(decoder, dict) else None
    if graph and sight:
        graph = replace(graph, beside=sight.files)
    usual = min(MAX_CONTEXT_TOKENS, context)
    is_paged = isinstance(engine := config.get("engine"), dict) and "dynamic_batching" in engine
    return ModelFolder(path, usual, specials, _ends(model), unknown, graph, context, sight, is_paged)


def _ends(model: dict[str, object]) -> frozenset[int]:
    ends = model.get("eos_token_id")
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in listed if isinstance(end, int))


def _specials(path: Path) -> tuple[dict[str, int], int | None]:
    tokenizer = _json(path / TOKENIZER_FILE)
    added, kind = tokenizer.get("added_tokens"), tokenizer.get("model")
    specials: dict[str, int] = {}
    for entry in added if isinstance(added, list) else []:
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("content"), str)
            and isinstance(entry.get("id"), int)
        ):
            specials[entry["content"]] = entry["id"]
    if not specials:
        raise ModelBroken(f"{path / TOKENIZER_FILE} lists no control tokens")
    unknown = kind.get("unk_token") if isinstance(kind, dict) else None
    return specials, specials.get(unknown) if isinstance(unknown, str) else None


def _json(file: Path) -> dict[str, object]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelBroken(
            f"{file.name} is missing in {file.parent}: no ONNX Runtime GenAI model, or half copied"
        ) from exc
    except (OSError, ValueError) as exc:
        raise ModelBroken(f"{file}: {exc}") from exc
    if not isinstance(read, dict):
        raise ModelBroken(f"{file} holds no JSON object")
    return read
