"""The default model engine: an ONNX Runtime GenAI model folder, run in a child process."""

from pathlib import Path

from inference.engines.hosted import WAITING_PER_ROW, HostedEngine
from inference.engines.onnxgenai.budget import Plan, plan_rows
from inference.engines.onnxgenai.folder import ModelFolder, read_folder
from inference.host import EngineHost


class OnnxEngine(HostedEngine):
    """One model folder; see `inference.engines.base.Engine`. It writes as many replies as fit into memory."""

    name = "onnx"
    can_guide = True

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 0,
        memory_gb: float = 0.0,
        max_rows: int = 8,
        hang_after_s: float = 30.0,
    ) -> None:
        """Read what the folder says of itself; loads nothing.

        threads: 0 = every core. memory_gb: what the model may take, weights included; 0 = what is
        there. max_rows: replies at the same time, at most. hang_after_s: see `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken, EngineUnavailable (the memory is too small).
        """
        described = read_folder(folder.resolve())
        plan = _plan(described, memory_gb, max_rows)
        self.model = described.label
        self.context_tokens = plan.context_tokens
        host = EngineHost(
            "inference.engines.onnxgenai.runtime.open_runtime",
            {
                "folder": str(described.path),
                "threads": threads,
                "rows": plan.rows,
                "context_tokens": plan.context_tokens,
            },
            slots=plan.rows * (1 + WAITING_PER_ROW),
            hang_after_s=hang_after_s,
        )
        super().__init__(host, lambda: read_folder(described.path), rows=plan.rows, loaded=f"Loaded: {plan}.")


def _plan(folder: ModelFolder, memory_gb: float, max_rows: int) -> Plan:
    """Plan the rows of a graph whose cache is known; any other one writes one reply at a time."""
    if folder.graph is None or not folder.graph.can_batch:
        return Plan(1, folder.context_tokens)
    return plan_rows(folder, folder.graph, memory_gb=memory_gb, max_rows=max_rows)
