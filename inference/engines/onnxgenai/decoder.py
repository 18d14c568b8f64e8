"""A decoder graph under plain ONNX Runtime, over one KV buffer whose rows are the replies at work.

Rows are consecutive slices of one array, so that any run of neighbouring rows is one batch without a
copy. The graph reads and writes the cache in place (GroupQueryAttention with shared past and present):
a row is as long as its caller says, and what lies behind that is overwritten by the next run.
"""

import os
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from inference.engines.onnxgenai.graph import Graph
from inference.errors import ModelBroken

MAX_CHUNK: Final = 128  # tokens of one row in one run; more buys no speed and delays the others
DTYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}

Tokens = npt.NDArray[np.int64]
Logits = npt.NDArray[np.floating[Any]]


class UnfamiliarGraph(Exception):
    """The graph has inputs this class does not know how to feed."""


class Decoder:
    """A session and its KV rows. One thread only; `run` lets other threads go on meanwhile."""

    first_input: ClassVar[str] = "input_ids"  # what it takes the tokens as

    def __init__(
        self, graph: Graph, *, rows: int, context_tokens: int, threads: int, beside: "Decoder | None" = None
    ) -> None:
        """Load the weights, or share those of the decoder it is put beside.

        Raises: ModelBroken, UnfamiliarGraph.
        """
        self._session: Any = beside._session if beside else _session(graph, threads)
        self._graph = graph
        self._context = context_tokens
        self._check()
        self._bindings: dict[tuple[int, int], Any] = {}
        shape = (rows, graph.kv_heads, context_tokens, graph.head_size)
        # Pages of a zeroed array take memory only once they are written.
        self._cache = [[np.zeros(shape, self._dtype) for _ in range(2)] for _ in range(graph.layers)]
        self._logits = np.zeros(max(rows, MAX_CHUNK) * self.vocabulary, self._logits_dtype)

    def run(self, row: int, tokens: Tokens, lengths: Sequence[int], reach: int = 0) -> Logits:
        """Compute the tokens that follow in neighbouring rows, and put them into the cache.

        tokens: (n, m) for the rows `row` … `row + n - 1`; m > 1 only with n = 1.
        lengths: how many tokens of each row are in the cache already.
        reach: how long the sequence will be, where that decides the factors; see `longrope`.
        Shape: (n, m, vocabulary), valid until the next run.
        """
        count, width = tokens.shape
        ends = np.asarray(lengths, np.int64) + width
        assert max(ends.max(), reach) <= self._context, "a row is full"
        mask = (np.arange(max(ends.max(), reach)) < ends[:, None]).astype(np.int64)
        feeds = {self.first_input: self._first(tokens), "attention_mask": mask}
        if "position_ids" in self._feeds:
            feeds["position_ids"] = ends[:, None] - width + np.arange(width, dtype=np.int64)
        binding = self._binding(row, count)
        for key in self._feeds:
            given = feeds[key]
            name, kind = self._graph.names[key], given.dtype.type
            binding.bind_input(name, "cpu", 0, kind, given.shape, given.ctypes.data)
        shape = (count, width, self.vocabulary)
        logits = self._logits[: count * width * self.vocabulary].reshape(shape)
        binding.bind_output(
            self._graph.names["logits"], "cpu", 0, self._logits_dtype, shape, logits.ctypes.data
        )
        self._session.run_with_iobinding(binding)
        return logits

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Copy the first `tokens` tokens of one row over another's."""
        for layer in self._cache:
            for values in layer:
                values[target, :, :tokens] = values[source, :, :tokens]

    def swap(self, one: int, other: int, one_tokens: int, other_tokens: int) -> None:
        """Exchange two rows, of which so many tokens are in use."""
        for layer in self._cache:
            for values in layer:
                kept = values[one, :, :one_tokens].copy()
                values[one, :, :other_tokens] = values[other, :, :other_tokens]
                values[other, :, :one_tokens] = kept

    def _first(self, tokens: Tokens) -> npt.NDArray[np.generic]:
        """Write the tokens as the graph takes them."""
        return np.ascontiguousarray(tokens, np.int64)

    def _binding(self, row: int, count: int) -> Any:
        """Bind the cache of these rows, once for each run of rows."""
        if (row, count) not in self._bindings:
            binding = self._session.io_binding()
            for number, layer in enumerate(self._cache):
                for kind, values in zip(("key", "value"), layer, strict=True):
                    part = values[row : row + count]
                    past, present = self._cache_names(kind, number)
                    address = part.ctypes.data
                    binding.bind_input(past, "cpu", 0, self._dtype, part.shape, address)
                    binding.bind_output(present, "cpu", 0, self._dtype, part.shape, address)
            self._bindings[row, count] = binding
        return self._bindings[row, count]

    def _cache_names(self, kind: str, layer: int) -> tuple[str, str]:
        names = self._graph.names
        past, present = names[f"past_{kind}_names"], names[f"present_{kind}_names"]
        return past.replace("%d", str(layer)), present.replace("%d", str(layer))

    def _check(self) -> None:
        """Compare the graph with its description. Raises: UnfamiliarGraph."""
        names, layers = self._graph.names, range(self._graph.layers)
        inputs = {one.name: one for one in self._session.get_inputs()}
        outputs = {one.name: one for one in self._session.get_outputs()}
        cached = [self._cache_names(kind, layer) for layer in layers for kind in ("key", "value")]
        keys = (self.first_input, "attention_mask", "position_ids")
        self._feeds = tuple(key for key in keys if names.get(key) in inputs)
        known = {names[key] for key in self._feeds} | {past for past, _ in cached}
        if inputs.keys() != known or not {self.first_input, "attention_mask"} <= set(self._feeds):
            raise UnfamiliarGraph(f"inputs {sorted(inputs.keys() ^ known)}")
        logits = outputs.get(names["logits"])
        if logits is None or not {present for _, present in cached} <= outputs.keys():
            raise UnfamiliarGraph("outputs without logits or without a cache")
        types = {inputs[past].type for past, _ in cached} | {logits.type}
        size = logits.shape[-1]
        if not types <= DTYPES.keys() or not isinstance(size, int):
            raise UnfamiliarGraph(f"values of {sorted(types)} and a vocabulary of {size}")
        self._dtype = DTYPES[inputs[cached[0][0]].type]
        self._logits_dtype = DTYPES[logits.type]
        self.vocabulary = size


def _session(graph: Graph, threads: int) -> Any:
    """Load the weights. Raises: ModelBroken."""
    import onnxruntime as ort

    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(os.fspath(graph.file), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # the runtime's errors have no common base
        raise ModelBroken(f"{graph.file}: {exc}") from exc
