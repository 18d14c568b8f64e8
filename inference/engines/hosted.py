"""What the engines share whose model runs in a child process; each adds how its folder is read."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from inference.engines.base import Health, refuse_images, refuse_unsupported
from inference.errors import EngineError
from inference.host import EngineHost
from inference.types import ChatMessage, GenerationRequest, ShouldStop, StreamEvent, never_stop

WAITING_PER_ROW: Final = 4  # replies that may wait in the child, first come first served


class HostedEngine:
    """One model folder in one child; see `inference.engines.base.Engine`."""

    model: str
    can_continue = True
    sees_images = False  # of the kind; an engine whose folder can see sets its own,
    can_guide = False  # and so for this

    def __init__(
        self, host: EngineHost, check: Callable[[], object], *, rows: int = 1, loaded: str = "Loaded."
    ) -> None:
        """Take the child and what is said of it.

        check: raises EngineError where the model cannot be loaded. rows: replies at once, as far as is
        known before it is loaded. loaded: what an administrator reads once it is.
        """
        self._host = host
        self._check = check
        self._rows = rows
        self._loaded = loaded

    @property
    def slots(self) -> int:
        """How many replies are written at once: as planned, and once loaded as it is."""
        return self._host.slots or self._rows

    @property
    def host(self) -> EngineHost:
        """The process the model runs in."""
        return self._host

    def load(self) -> None:
        """Load the model in the child. Raises: EngineError."""
        self._host.load()

    def health(self) -> Health:
        """Say whether the model is loaded; where not, whether all it needs is there."""
        if self._host.is_loaded:
            return Health(is_ready=True, detail=self._loaded)
        if self._host.is_loading:
            return Health(is_ready=False, detail="Being loaded.", is_loading=True)
        try:
            self._check()
        except EngineError as error:
            return Health(is_ready=False, detail=str(error), code=error.code)
        if failure := self._host.load_failure:
            return Health(is_ready=False, detail=str(failure), code=failure.code)
        return Health(is_ready=False, detail="Not loaded yet.")

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the model's own tokenizer and template; loads the model."""
        refuse_images(self, messages)
        return self._host.count_tokens(messages)

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write a reply in the child process."""
        refuse_unsupported(self, request)
        yield from self._host.stream(request, should_stop=should_stop)

    def close(self) -> None:
        """End the child process."""
        self._host.close()
