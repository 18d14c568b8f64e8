"""`python -m tests.inference.openvino_folder FROM TO`: a Hugging Face Phi-3 folder in OpenVINO's form.

What OpenVINO GenAI wants of a graph: inputs input_ids, attention_mask, position_ids and beam_idx; keys
and values kept inside as variables that begin empty, reordered by beam_idx. A few seconds for a tiny
model; run as a process of its own, for tracing warns a lot and leaves much behind.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT_FILES: Final = ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json")
NEW, BEFORE = 4, 3  # tokens of the example: any two numbers that differ


def write_openvino(source: Path, target: Path) -> Path:
    """Convert in another process, without telemetry. Raises: CalledProcessError."""
    home = target.parent / "home"
    (home / "intel").mkdir(parents=True)
    (home / "intel" / "openvino_telemetry").write_text("0", encoding="ascii")
    subprocess.run(
        [sys.executable, "-m", "tests.inference.openvino_folder", str(source), str(target)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home), "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
    )
    return target


def convert(source: Path, target: Path) -> None:
    """Trace, make stateful, and save beside the tokenizer."""
    import openvino
    from openvino_tokenizers import convert_tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded: Any = AutoModelForCausalLM
    model = loaded.from_pretrained(source, attn_implementation="sdpa").eval()
    graph = _traced(model)
    _keep_state(graph, model.config)
    target.mkdir(parents=True)
    openvino.save_model(graph, target / "openvino_model.xml", compress_to_fp16=False)
    both = convert_tokenizer(AutoTokenizer.from_pretrained(source), with_detokenizer=True)
    for name, part in zip(("openvino_tokenizer", "openvino_detokenizer"), both, strict=True):
        openvino.save_model(part, target / f"{name}.xml")
    for name in KEPT_FILES:
        shutil.copyfile(source / name, target / name)


def _cache_names(layers: int, kind: str) -> list[str]:
    return [f"{kind}.{layer}.{part}" for layer in range(layers) for part in ("key", "value")]


def _traced(model: Any) -> Any:
    """Trace the model as a function of tokens, mask, positions and the cache so far."""
    import openvino
    import torch
    from transformers.cache_utils import DynamicCache

    class Appended(DynamicCache):
        def __init__(self, past: Sequence[torch.Tensor]) -> None:
            super().__init__()
            self.now = list(past)

        def update(
            self, key_states: Any, value_states: Any, layer_idx: int, *_: Any, **__: Any
        ) -> tuple[Any, Any]:
            at = 2 * layer_idx
            self.now[at] = torch.cat([self.now[at], key_states], -2)
            self.now[at + 1] = torch.cat([self.now[at + 1], value_states], -2)
            return self.now[at], self.now[at + 1]

    class Function(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        # The names of the arguments stay in the graph, and OpenVINO GenAI looks for them.
        def forward(
            self, input_ids: Any, attention_mask: Any, position_ids: Any, *past: Any
        ) -> tuple[Any, ...]:
            cache = Appended(past)
            length = attention_mask.shape[1]
            rows = torch.arange(input_ids.shape[1]) + length - input_ids.shape[1]
            seen = (torch.arange(length)[None, :] <= rows[:, None])[None, None]
            seen = seen & attention_mask[:, None, None, :].bool()
            lowest = torch.full((), torch.finfo(torch.float32).min)
            mask = torch.where(seen, torch.zeros((), dtype=torch.float32), lowest)
            out = self.model(
                input_ids=input_ids, attention_mask=mask, position_ids=position_ids, past_key_values=cache
            )
            return (out.logits, *cache.now)

    config = model.config
    heads, size = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
    past = [torch.zeros(2, heads, BEFORE, size) for _ in range(2 * config.num_hidden_layers)]
    positions = torch.arange(BEFORE, BEFORE + NEW)[None].repeat(2, 1)
    ids, mask = torch.ones(2, NEW, dtype=torch.long), torch.ones(2, BEFORE + NEW, dtype=torch.long)
    with torch.no_grad():
        graph = openvino.convert_model(Function(), example_input=(ids, mask, positions, *past))
    names = ["input_ids", "attention_mask", "position_ids", *_cache_names(config.num_hidden_layers, "past")]
    for port, name in zip(graph.inputs, names, strict=True):
        port.get_tensor().set_names({name})
        shape = [-1, heads, -1, size] if name.startswith("past") else [-1, -1]
        port.get_node().set_partial_shape(openvino.PartialShape(shape))
    for port, name in zip(graph.outputs, ["logits", *_cache_names(len(past) // 2, "present")], strict=True):
        port.get_tensor().set_names({name})
    graph.validate_nodes_and_infer_types()
    return graph


def _keep_state(graph: Any, config: Any) -> None:
    """Turn the cache from inputs and outputs into variables that begin empty."""
    import numpy as np
    from openvino import PartialShape
    from openvino import opset13 as ops
    from openvino._offline_transformations import apply_make_stateful_transformation

    def numbers(*values: int) -> Any:
        return ops.constant(list(values), dtype=np.int64)

    zero = ops.constant(0, dtype=np.int64)
    beams = ops.parameter(PartialShape([-1]), np.int32, name="beam_idx")
    beams.output(0).get_tensor().add_names({"beam_idx"})
    graph.add_parameters([beams])
    for port in graph.inputs:
        if port.get_any_name().startswith("past"):
            readers = port.get_target_inputs()
            ordered = ops.gather(port.get_node(), beams, zero)
            for reader in readers:
                reader.replace_source_output(ordered.output(0))
    layers = config.num_hidden_layers
    pairs = zip(_cache_names(layers, "past"), _cache_names(layers, "present"), strict=True)
    apply_make_stateful_transformation(graph, dict(pairs))
    batch = ops.gather(ops.shape_of(graph.input("input_ids"), output_type="i64"), numbers(0), zero)
    size = config.hidden_size // config.num_attention_heads
    shape = ops.concat([batch, numbers(config.num_key_value_heads), numbers(0), numbers(size)], axis=0)
    for node in graph.get_ops():
        if node.get_type_name() == "ReadValue":
            node.set_arguments([ops.broadcast(ops.constant(0.0, dtype=np.float32), shape)])
    graph.validate_nodes_and_infer_types()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
