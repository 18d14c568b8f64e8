"""How many replies at once, and how long, fit into memory: rows × context tokens of KV cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.engines.native.budget import free_bytes
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.graph import Graph
from inference.engines.onnxgenai.longrope import cliff_of
from inference.errors import EngineUnavailable

GB: Final = 1e9
WEIGHTS_IN_MEMORY: Final = 1.2  # times their size on the disk: the runtime repacks some of them
# What looking at a picture takes beside the weights, at full size: the attention of 17 squares (577 places,
# 16 heads) before and after its softmax, the layer after it, the pixels, and what was seen in eight pictures.
LOOKING_BYTES: Final = int(1.4 * GB)
AUTOMATIC_SHARE: Final = 0.7  # of what is available beside the weights; the site lives here as well
# The first of these that fits is taken: (rows at least, share of the model's context).
CHOICES: Final = (
    *((4, share) for share in (1.0, 0.75, 0.5)),
    *((2, share) for share in (1.0, 0.75, 0.5)),
    *((1, share) for share in (1.0, 0.5, 0.25)),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of the KV cache (replies at the same time) and the tokens of prompt and answer in each.

    cliff: tokens beyond which the model takes other factors; 0 = it has none.
    long_tokens: the length of one row more, for what does not fit into the others; 0 = there is none.
    """

    rows: int
    context_tokens: int
    kv_bytes: int = 0
    cliff: int = 0
    long_tokens: int = 0

    @property
    def longest_tokens(self) -> int:
        """Prompt and answer together, at most."""
        return max(self.context_tokens, self.long_tokens)

    def __str__(self) -> str:
        long = f" and one of {self.long_tokens}" if self.long_tokens else ""
        gb = f", {self.kv_bytes / GB:.1f} GB of KV cache" if self.kv_bytes else ""
        return f"{self.rows} rows × {self.context_tokens} tokens{long}{gb}"


def plan_rows(
    folder: ModelFolder, graph: Graph, *, memory_gb: float = 0.0, max_rows: int = 8, available: int = 0
) -> Plan:
    """Share out the memory the model may take, weights included.

    memory_gb: 0 = what the machine has to spare, never refused. available: bytes; 0 = look.
    Raises: EngineUnavailable where the budget given holds no row.
    """
    weights, budget = _shares(graph, memory_gb, available)
    for wanted, share in CHOICES:
        tokens = max(1, int(folder.context_tokens * share))
        fits = int(budget // (tokens * graph.kv_bytes_per_token))
        rows = min(fits, max(1, max_rows))
        if fits >= wanted or rows == max(1, max_rows):
            return _plan(graph, rows, tokens)
    smallest = _plan(graph, 1, max(1, int(folder.context_tokens * CHOICES[-1][1])))
    if memory_gb <= 0:
        return smallest
    raise EngineUnavailable(
        f"the memory budget of {memory_gb:g} GB is too small for {folder.label}: its weights take "
        f"{weights / GB:.2f} GB and one reply of {smallest.context_tokens} tokens "
        f"{smallest.kv_bytes / GB:.2f} GB; raise the budget or choose a smaller model"
    )


def plan_long(
    folder: ModelFolder,
    graph: Graph,
    tokens: int,
    *,
    memory_gb: float = 0.0,
    max_rows: int = 8,
    available: int = 0,
) -> Plan:
    """Share out the memory where somebody asked for a context of `tokens`, more than the usual one.

    Beyond a cliff there is one row of that length, and the others stay below it; else all are as long.
    The rest as for `plan_rows`. Raises: EngineUnavailable where it does not fit; it is never shortened.
    """
    cliff = cliff_of(graph.file)
    weights, budget = _shares(graph, memory_gb, available)
    row_tokens = min(folder.context_tokens, cliff) if cliff else tokens
    long_tokens = tokens if cliff else 0
    left = budget - long_tokens * graph.kv_bytes_per_token
    fits = int(left // (row_tokens * graph.kv_bytes_per_token))
    plan = _plan(graph, max(1, min(fits, max_rows)), row_tokens, cliff, long_tokens)
    if fits >= 1:
        return plan
    raise EngineUnavailable(
        f"a context of {tokens} tokens does not fit for {folder.label}: beside {weights / GB:.2f} GB of "
        f"weights it takes {plan.kv_bytes / GB:.2f} GB of KV cache, and {max(0.0, budget) / GB:.2f} GB are "
        "left; lower MODEL_CONTEXT, or raise MODEL_MEMORY_GB where the machine has more"
    )


def available_bytes() -> int:
    """Tell how much memory this process may still take: the machine's or its container's."""
    free = [free_bytes()]
    group = Path("/sys/fs/cgroup")
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is not None and used is not None:
        free.append(max(0, limit - used))
    return min(free)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such limit, or "max"
        return None


def _shares(graph: Graph, memory_gb: float, available: int) -> tuple[int, float]:
    """Give the bytes of the weights with what looking takes, and those that are left for the cache."""
    weights = int(graph.weight_bytes * WEIGHTS_IN_MEMORY)
    if graph.beside:
        weights += min(LOOKING_BYTES, graph.weight_bytes)  # small models look with little
    if memory_gb > 0:
        return weights, memory_gb * GB - weights
    return weights, ((available or available_bytes()) - weights) * AUTOMATIC_SHARE


def _plan(graph: Graph, rows: int, tokens: int, cliff: int = 0, long_tokens: int = 0) -> Plan:
    kv_bytes = (rows * tokens + long_tokens) * graph.kv_bytes_per_token
    return Plan(rows, tokens, kv_bytes, cliff, long_tokens)
