"""A Phi model folder of the Hugging Face kind, run by transformers in a child process."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from inference.engines.base import Health
from inference.engines.hf.folder import read_folder
from inference.errors import EngineError
from inference.host import EngineHost
from inference.types import ChatMessage, GenerationRequest, ShouldStop, StreamEvent, never_stop

MAX_ROWS: Final = 8
WAITING_PER_ROW: Final = 4  # replies that may wait in the child, first come first served


class TransformersEngine:
    """One model folder; see `inference.engines.base.Engine`. It writes as many replies as fit into memory."""

    name = "transformers"
    can_continue = True

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 0,
        max_rows: int = MAX_ROWS,
        device: str = "",
        hang_after_s: float = 60.0,
    ) -> None:
        """Read what the folder says of itself; loads nothing and downloads nothing.

        folder: see `inference.engines.hf.folder.find_folder` for a model of the local cache.
        threads: 0 = every core. max_rows: replies at the same time, at most. device: "" = a GPU where
        there is one. hang_after_s: see `inference.host.EngineHost`.
        Raises: ModelNotFound, ModelBroken.
        """
        described = read_folder(folder.expanduser().resolve())
        self.model = described.label
        self.context_tokens = described.context_tokens
        self._folder = described.path
        self._host = EngineHost(
            "inference.engines.hf.runtime.HfRuntime",
            {
                "folder": str(described.path),
                "threads": threads,
                "max_rows": max_rows,
                "device": device,
            },
            slots=max_rows * (1 + WAITING_PER_ROW),
            hang_after_s=hang_after_s,
        )

    @property
    def slots(self) -> int:
        """How many replies are written at once; known once the model is loaded, 1 before."""
        return self._host.slots or 1

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
