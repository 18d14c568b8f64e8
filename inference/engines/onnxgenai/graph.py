"""What genai_config.json says of the decoder's graph: its file, its inputs, the shape of its KV cache.

Read without the runtime: the site must know how many replies fit into memory before it loads a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KV_VALUE_BYTES: Final = 4  # ONNX Runtime keeps the KV cache as float32 on a CPU
KNOWN_INPUTS: Final = frozenset(
    {"input_ids", "inputs_embeds", "attention_mask", "position_ids", "past_key_names", "past_value_names"}
)
KNOWN_OUTPUTS: Final = frozenset({"logits", "present_key_names", "present_value_names"})
# Parts of a decoder description that ask for more than one graph run over one buffer.
OTHER_SHAPES: Final = frozenset({"sliding_window", "pipeline", "state", "layer_types"})


@dataclass(frozen=True, slots=True)
class Graph:
    """A decoder graph.

    names: of its inputs and outputs, by the config's words; those of the KV cache hold one `%d`.
    providers: the execution providers it was built for; empty = CPU.
    beside: graphs that are loaded with it.
    is_plain: whether these are all its inputs, and past and present may be one buffer.
    """

    file: Path
    layers: int
    kv_heads: int
    head_size: int
    names: Mapping[str, str]
    providers: tuple[str, ...]
    is_plain: bool
    beside: tuple[Path, ...] = ()

    @property
    def can_batch(self) -> bool:
        """Whether many replies can share it: a plain graph for the CPU."""
        return self.is_plain and not self.providers

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache that one token takes in one row."""
        return 2 * self.layers * self.kv_heads * self.head_size * KV_VALUE_BYTES

    @property
    def weight_bytes(self) -> int:
        """Size of the weights on the disk."""
        files = (self.file, *self.beside)
        parts = [*files, *(file.with_name(file.name + ".data") for file in files)]
        return sum(part.stat().st_size for part in parts if part.is_file())


def read_graph(file: Path, decoder: Mapping[str, object], search: object) -> Graph | None:
    """Read the `decoder` and `search` parts of a config; None where the KV cache is not described."""
    numbers = [decoder.get(key) for key in ("num_hidden_layers", "num_key_value_heads", "head_size")]
    layers, kv_heads, head_size = (one if isinstance(one, int) and one > 0 else 0 for one in numbers)
    if not (layers and kv_heads and head_size):
        return None
    inputs, outputs = _texts(decoder.get("inputs")), _texts(decoder.get("outputs"))
    shares = isinstance(search, dict) and search.get("past_present_share_buffer") is True
    is_known = inputs.keys() <= KNOWN_INPUTS and outputs.keys() <= KNOWN_OUTPUTS
    has_cache = {"past_key_names", "past_value_names"} <= inputs.keys() and outputs.keys() >= KNOWN_OUTPUTS
    return Graph(
        file=file,
        layers=layers,
        kv_heads=kv_heads,
        head_size=head_size,
        names={"input_ids": "input_ids", **inputs, **outputs},
        providers=_providers(decoder.get("session_options")),
        is_plain=shares and is_known and has_cache and not OTHER_SHAPES & decoder.keys(),
    )


def _texts(listed: object) -> dict[str, str]:
    if not isinstance(listed, dict):
        return {}
    return {str(key): value for key, value in listed.items() if isinstance(value, str)}


def _providers(options: object) -> tuple[str, ...]:
    listed = options.get("provider_options") if isinstance(options, dict) else None
    named = [name for one in listed if isinstance(one, dict) for name in one] if listed else []
    return tuple(name.lower() for name in named if name.lower() != "cpu")
