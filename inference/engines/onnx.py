"""The default model engine: an ONNX Runtime GenAI model folder, run in a child process."""

from dataclasses import replace
from pathlib import Path

from inference.engines.hosted import WAITING_PER_ROW, HostedEngine
from inference.engines.onnxgenai.budget import Plan, plan_long, plan_rows
from inference.engines.onnxgenai.folder import ModelFolder, read_folder
from inference.engines.onnxgenai.longrope import cliff_of
from inference.engines.onnxgenai.providers import CUDA
from inference.errors import EngineUnavailable
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
        context: int = 0,
        runtime: str = "auto",
        hang_after_s: float = 30.0,
    ) -> None:
        """Read what the folder says of itself; loads nothing.

        threads: 0 = every core. memory_gb: what the model may take, weights included; 0 = what is
        there. max_rows: replies at the same time, at most. context: tokens of prompt and answer together,
        at most; 0 = what is fast. runtime: see `onnxgenai.runtime`. hang_after_s: see
        `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken, EngineUnavailable (the memory is too small).
        """
        described = read_folder(folder.resolve())
        plan = _plan(described, context, memory_gb, max_rows, runtime)
        self.model = described.label
        self.sees_images = described.sight is not None
        self.context_tokens = plan.longest_tokens
        host = EngineHost(
            "inference.engines.onnxgenai.runtime.open_runtime",
            {
                "folder": str(described.path),
                "threads": threads,
                "rows": plan.rows,
                "context_tokens": plan.context_tokens,
                "cliff": plan.cliff,
                "long_tokens": plan.long_tokens,
                "runtime": runtime,
            },
            slots=plan.rows * (1 + WAITING_PER_ROW),
            hang_after_s=hang_after_s,
        )
        super().__init__(host, lambda: read_folder(described.path), rows=plan.rows, loaded=f"Loaded: {plan}.")


def _plan(folder: ModelFolder, context: int, memory_gb: float, max_rows: int, runtime: str) -> Plan:
    """Plan the rows of a graph whose cache is known here; the other runtimes see to theirs."""
    tokens = min(context or folder.context_tokens, folder.model_context_tokens)
    if folder.graph is None or not folder.graph.can_batch or runtime not in {"auto", "batching"}:
        return _plan_elsewhere(folder, tokens, max_rows if folder.is_paged or runtime == "engine" else 1)
    if tokens > folder.context_tokens:
        return plan_long(folder, folder.graph, tokens, memory_gb=memory_gb, max_rows=max_rows)
    shorter = replace(folder, context_tokens=tokens)
    return plan_rows(shorter, folder.graph, memory_gb=memory_gb, max_rows=max_rows)


def _plan_elsewhere(folder: ModelFolder, tokens: int, rows: int) -> Plan:
    """Plan for a runtime that shares its memory out by itself.

    Raises: EngineUnavailable for a context that would be wrong there, or could not be interrupted.
    """
    if tokens <= folder.context_tokens:
        return Plan(rows, tokens)
    is_on_gpu = folder.graph is not None and CUDA in folder.graph.providers
    cliff = cliff_of(folder.graph.file) if folder.graph else 0
    if not is_on_gpu or folder.sight or (folder.is_paged and cliff):
        raise EngineUnavailable(
            f"{folder.label} can be given {folder.context_tokens} tokens of context here and not {tokens}; "
            "set MODEL_CONTEXT to 0, or choose another form of the model"
        )
    return Plan(rows, tokens, cliff=cliff)
