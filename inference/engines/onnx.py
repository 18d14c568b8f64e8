"""The default model engine: an ONNX Runtime GenAI model folder, run in a child process."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from inference.engines.base import Health
from inference.engines.onnxgenai.budget import Plan, plan_rows
from inference.engines.onnxgenai.folder import ModelFolder, read_folder
from inference.errors import EngineError
from inference.host import EngineHost
from inference.types import ChatMessage, GenerationRequest, ShouldStop, StreamEvent, never_stop

WAITING_PER_ROW: Final = 4  # replies that may wait in the child, first come first served


class OnnxEngine:
    """One model folder; see `inference.engines.base.Engine`. It writes as many replies as fit into memory."""

    name = "onnx"
    can_continue = True

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
        self._plan = plan
        self._folder = described.path
        self._host = EngineHost(
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

    @property
    def slots(self) -> int:
        """How many replies are written at once: as planned, and once loaded as it is."""
        return self._host.slots or self._plan.rows

    @property
    def host(self) -> EngineHost:
        """The process the model runs in."""
        return self._host

    def load(self) -> None:
        """Load the model in the child. Raises: EngineError."""
        self._host.load()

    def health(self) -> Health:
        """Say whether the model is loaded; where not, whether its folder is whole."""
        if self._host.is_loaded:
            return Health(is_ready=True, detail=f"Loaded: {self._plan}.")
        try:
            read_folder(self._folder)
        except EngineError as error:
            return Health(is_ready=False, detail=str(error))
        return Health(is_ready=False, detail="Not loaded yet.")

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the model's own tokenizer and template; loads the model."""
        return self._host.count_tokens(messages)

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write a reply in the child process."""
        return self._host.stream(request, should_stop=should_stop)

    def close(self) -> None:
        """End the child process."""
        self._host.close()


def _plan(folder: ModelFolder, memory_gb: float, max_rows: int) -> Plan:
    """Plan the rows of a graph whose cache is known; any other one writes one reply at a time."""
    if folder.graph is None or not folder.graph.can_batch:
        return Plan(1, folder.context_tokens)
    return plan_rows(folder, folder.graph, memory_gb=memory_gb, max_rows=max_rows)
