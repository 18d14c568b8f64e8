"""The default model engine: an ONNX Runtime GenAI model folder, run in a child process."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from inference.engines.base import Health
from inference.engines.onnxgenai.folder import read_folder
from inference.errors import EngineError
from inference.host import EngineHost
from inference.types import ChatMessage, GenerationRequest, ShouldStop, StreamEvent, never_stop


class OnnxEngine:
    """One model folder; see `inference.engines.base.Engine`. It writes one reply at a time."""

    name = "onnx"
    slots = 1

    def __init__(self, folder: Path, *, threads: int = 0, hang_after_s: float = 30.0) -> None:
        """Read what the folder says of itself; loads nothing.

        threads: 0 = every core. hang_after_s: see `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken.
        """
        described = read_folder(folder.resolve())
        self.model = described.label
        self.context_tokens = described.context_tokens
        self._folder = described.path
        self._host = EngineHost(
            "inference.engines.onnxgenai.runtime.OnnxRuntime",
            {"folder": str(described.path), "threads": threads},
            slots=self.slots,
            hang_after_s=hang_after_s,
        )

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
            return Health(is_ready=True, detail="Loaded.")
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
