"""A Phi-3-shaped int4 model folder of any size with random weights, written in seconds: for speed alone.

It borrows the tests' tokenizer, whose tokens are the only ones it ever writes; none of them ends a reply.
Which token follows which is clear, as it mostly is to a trained model: between equally likely ones the
last bits would decide, and they differ between kernels.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

TINY = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "tiny-phi3"
BLOCK = 32
CONTEXT = 4096
WRITABLE = range(3, 1792)  # ids between the tokenizer's control tokens
ALIGNMENT = 4096
FORMAT = 2  # rises when older folders have to be written anew
DEVIATION = 0.02
NBITS_DEVIATION = 4.3  # of the integers -7…7


@dataclass(frozen=True)
class Shape:
    """Sizes of the model; the defaults are Phi-3.5-mini's, but for the layers."""

    layers: int = 14
    hidden: int = 3072
    inner: int = 8192
    head_size: int = 96
    vocabulary: int = 32064

    @property
    def heads(self) -> int:
        return self.hidden // self.head_size


class Writer:
    """Collects the graph; weights go straight to the file beside it."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self.matmul_bytes = 0
        self._data = (folder / "model.onnx.data").open("wb")
        self._random = np.random.default_rng(0)

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        domain = "com.microsoft" if kind[:4] in {"MatM", "Grou", "Skip"} else ""
        self.nodes.append(
            helper.make_node(kind, inputs, outputs, name=outputs[0], domain=domain, **attributes)
        )

    def weight(self, name: str, values: np.ndarray[Any, Any]) -> str:
        self._data.write(b"\0" * (-self._data.tell() % ALIGNMENT))
        tensor = TensorProto(name=name, dims=values.shape, data_location=TensorProto.EXTERNAL)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(values.dtype)
        where = {"location": "model.onnx.data", "offset": self._data.tell(), "length": values.nbytes}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        self._data.write(values.tobytes())
        self.weights.append(tensor)
        return name

    def matmul(self, name: str, given: str, inner: int, outer: int) -> str:
        """Multiply by a random int4 matrix."""
        packed = self._random.integers(0, 256, (outer, inner // BLOCK, BLOCK // 2), np.uint8)
        packed |= np.where(packed & 0x0F, 0, 0x08).astype(np.uint8)  # no -8: without a mean, texts differ
        packed |= np.where(packed & 0xF0, 0, 0x80).astype(np.uint8)
        scales = np.full((outer, inner // BLOCK), DEVIATION / NBITS_DEVIATION, np.float32)
        return self._multiply(name, given, packed, scales)

    def head(self, name: str, given: str) -> str:
        """Give every writable token the logits of one other's successor; the rest has zeros."""
        shape = self.shape
        packed = np.full((shape.vocabulary, shape.hidden // BLOCK, BLOCK // 2), 0x88, np.uint8)
        scales = np.zeros((shape.vocabulary, shape.hidden // BLOCK), np.float32)
        order = self._random.permutation(np.array(WRITABLE))
        rounded = np.clip(np.rint(self._embedded[order] * NBITS_DEVIATION), -7, 7).astype(np.int8) + 8
        pairs = rounded.astype(np.uint8).reshape(len(order), -1, BLOCK // 2, 2)
        successors = np.roll(order, -1)
        packed[successors] = pairs[..., 0] | pairs[..., 1] << 4
        scales[successors] = DEVIATION / NBITS_DEVIATION
        return self._multiply(name, given, packed, scales)

    def _multiply(
        self, name: str, given: str, packed: np.ndarray[Any, Any], scales: np.ndarray[Any, Any]
    ) -> str:
        outer, blocks = scales.shape
        self.matmul_bytes += packed.nbytes + scales.nbytes
        inputs = [given, self.weight(f"{name}.q4", packed), self.weight(f"{name}.scales", scales)]
        sizes = {"K": blocks * BLOCK, "N": outer, "bits": 4, "block_size": BLOCK, "accuracy_level": 4}
        self.node("MatMulNBits", inputs, [name], **sizes)
        return name

    def norm_weight(self, name: str) -> str:
        return self.weight(name, np.ones(self.shape.hidden, np.float32))

    def embedding(self) -> str:
        size = (self.shape.vocabulary, self.shape.hidden)
        values = self._random.standard_normal(size, np.float32)
        self._embedded = values[: WRITABLE.stop].copy()
        return self.weight("embedding", values)

    def close(self) -> None:
        self._data.close()


def write_model(folder: Path, shape: Shape) -> int:
    """Write the model folder unless it is there; return the bytes of weights read for every token."""
    done = folder / "bench.json"
    found = json.loads(done.read_text()) if done.is_file() else {}
    if found.get("format") != FORMAT:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(TINY / name, folder / name)
        read_bytes = _write_graph(folder, shape)
        _write_config(folder, shape)
        found = {"format": FORMAT, "bytes_per_token": read_bytes}
        done.write_text(json.dumps(found))
    return int(found["bytes_per_token"])


def _write_graph(folder: Path, shape: Shape) -> int:
    writer = Writer(folder, shape)
    _lengths(writer)
    _rotations(writer)
    writer.node("Gather", [writer.embedding(), "input_ids"], ["embedded"])
    norm = writer.norm_weight("norm.first")
    writer.node(
        "SimplifiedLayerNormalization",
        ["embedded", norm],
        ["h0"],
        axis=-1,
        epsilon=1e-5,
        stash_type=1,
    )
    residual, hidden = "embedded", "h0"
    for layer in range(shape.layers):
        residual, hidden = _layer(writer, layer, residual, hidden)
    writer.head("logits", hidden)
    writer.close()
    inputs, outputs = _interface(shape)
    graph = helper.make_graph(writer.nodes, "phi", inputs, outputs, writer.weights)
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")
    return writer.matmul_bytes


def _lengths(writer: Writer) -> None:
    """From the attention mask to the lengths that attention asks for."""
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    last = helper.make_tensor("last", TensorProto.INT64, [], [1])
    writer.node("Constant", [], ["one"], value=one)
    writer.node("Constant", [], ["last"], value=last)
    writer.node("ReduceSum", ["attention_mask", "one"], ["sum"], keepdims=0)
    writer.node("Sub", ["sum", "one"], ["before"])
    writer.node("Cast", ["before"], ["lengths"], to=TensorProto.INT32)
    writer.node("Shape", ["attention_mask"], ["mask_shape"])
    writer.node("Gather", ["mask_shape", "last"], ["total64"], axis=0)
    writer.node("Cast", ["total64"], ["total"], to=TensorProto.INT32)


def _rotations(writer: Writer) -> None:
    half = writer.shape.head_size // 2
    angles = np.outer(np.arange(CONTEXT), 10000.0 ** (-np.arange(half) / half))
    writer.weight("cos", np.cos(angles).astype(np.float32))
    writer.weight("sin", np.sin(angles).astype(np.float32))


def _layer(writer: Writer, layer: int, residual: str, hidden: str) -> tuple[str, str]:
    shape, name = writer.shape, f"l{layer}"
    qkv = writer.matmul(f"{name}.qkv", hidden, shape.hidden, 3 * shape.hidden)
    past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
    present = [f"present.{layer}.key", f"present.{layer}.value"]
    writer.node(
        "GroupQueryAttention",
        [qkv, "", "", *past, "lengths", "total", "cos", "sin"],
        [f"{name}.attention", *present],
        num_heads=shape.heads,
        kv_num_heads=shape.heads,
        scale=shape.head_size**-0.5,
        do_rotary=1,
    )
    projected = writer.matmul(f"{name}.o", f"{name}.attention", shape.hidden, shape.hidden)
    residual, hidden = _normalise(writer, f"{name}.post", residual, projected)
    gate = writer.matmul(f"{name}.gate", hidden, shape.hidden, shape.inner)
    up = writer.matmul(f"{name}.up", hidden, shape.hidden, shape.inner)
    writer.node("Sigmoid", [gate], [f"{name}.sigmoid"])
    writer.node("Mul", [gate, f"{name}.sigmoid"], [f"{name}.silu"])
    writer.node("Mul", [f"{name}.silu", up], [f"{name}.gated"])
    down = writer.matmul(f"{name}.down", f"{name}.gated", shape.inner, shape.hidden)
    return _normalise(writer, f"{name}.next", residual, down)


def _normalise(writer: Writer, name: str, residual: str, added: str) -> tuple[str, str]:
    inputs = [residual, added, writer.norm_weight(f"{name}.weight")]
    outputs = [f"{name}.normal", "", "", f"{name}.residual"]
    writer.node("SkipSimplifiedLayerNormalization", inputs, outputs, epsilon=1e-5)
    return outputs[3], outputs[0]


def _interface(shape: Shape) -> tuple[list[Any], list[Any]]:
    def value(name: str, kind: int, *dims: str | int) -> Any:
        return helper.make_tensor_value_info(name, kind, dims)

    inputs = [
        value("input_ids", TensorProto.INT64, "batch", "length"),
        value("attention_mask", TensorProto.INT64, "batch", "total"),
    ]
    outputs = [value("logits", TensorProto.FLOAT, "batch", "length", shape.vocabulary)]
    for layer in range(shape.layers):
        for kind in ("key", "value"):
            dims = ("batch", shape.heads, f"{kind}_length", shape.head_size)
            inputs.append(value(f"past_key_values.{layer}.{kind}", TensorProto.FLOAT, *dims))
            outputs.append(value(f"present.{layer}.{kind}", TensorProto.FLOAT, *dims))
    return inputs, outputs


def _write_config(folder: Path, shape: Shape) -> None:
    config = json.loads((TINY / "genai_config.json").read_text(encoding="utf-8"))
    config["model"]["vocab_size"] = shape.vocabulary
    config["model"]["decoder"].update(
        head_size=shape.head_size,
        hidden_size=shape.hidden,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        num_hidden_layers=shape.layers,
    )
    (folder / "genai_config.json").write_text(json.dumps(config), encoding="utf-8")
