"""The engine interface: the smallest thing that can stream a reply."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference.errors import GuidanceNotSupported, ImagesNotSupported
from inference.types import ChatMessage, GenerationRequest, ShouldStop, StreamEvent, never_stop


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an engine can answer now; `detail` is one English sentence for an administrator.

    is_loading: it will be ready soon, by itself. code: of the error its last attempt to load ended with.
    """

    is_ready: bool
    detail: str = ""
    is_loading: bool = False
    code: str = ""


class Engine(Protocol):
    """One way of running one model. Methods may be called from any thread, several at once.

    name: the kind, "onnx", "extractive", …; model: what it runs, shown in receipts.
    slots: how many replies it writes at the same time.
    context_tokens: prompt and answer together; 0 = no limit that matters.
    can_continue: whether it goes on after `GenerationRequest.prefix`; others must not be given one.
    sees_images: whether messages may carry images; others raise ImagesNotSupported. A server that was not
        asked yet counts as seeing: it refuses by the same error.
    can_guide: whether a reply can be held to `GenerationRequest.guidance`; others raise GuidanceNotSupported.
    """

    @property
    def name(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def context_tokens(self) -> int: ...
    @property
    def can_continue(self) -> bool: ...
    @property
    def sees_images(self) -> bool: ...
    @property
    def can_guide(self) -> bool: ...

    def load(self) -> None:
        """Make ready to answer; slow the first time, then immediate. Raises: EngineError."""
        ...

    def health(self) -> Health:
        """Say whether it can answer now, without loading anything; at most 1 s."""
        ...

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the messages as the model will see them, template and images included.

        Raises: EngineError; ImagesNotSupported where it cannot see what it is to count.
        """
        ...

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write the reply: any number of Delta, then exactly one Finish.

        Nothing happens, and no slot is taken, before the first event is asked for.
        should_stop must be cheap: it is asked about once a token, and at least every 250 ms, also
        before the first one; once it says True the stream ends with Finish(CANCELLED) within one
        step. Closing the iterator frees the slot as well. A stream that cannot end properly raises;
        it never just stops.
        Raises: EngineError. Before the first event: CannotContinue where the prefix is none of its own,
        ImagesNotSupported and GuidanceNotSupported where the request asks for what it cannot do.
        """
        ...

    def close(self) -> None:
        """Free what `load` took; the engine may be loaded again."""
        ...


class Abilities(Protocol):
    """The part of an engine that says what a request may ask of it."""

    @property
    def model(self) -> str: ...
    @property
    def sees_images(self) -> bool: ...
    @property
    def can_guide(self) -> bool: ...


def refuse_unsupported(engine: Abilities, request: GenerationRequest) -> None:
    """Refuse what the engine cannot do, rather than answer as if it had not been asked.

    Raises: ImagesNotSupported, GuidanceNotSupported.
    """
    refuse_images(engine, request.messages)
    if request.guidance is not None and not engine.can_guide:
        raise GuidanceNotSupported(f"{engine.model} cannot be held to a {request.guidance.kind.value}")


def refuse_images(engine: Abilities, messages: Sequence[ChatMessage]) -> None:
    """Refuse images for an engine that reads text only. Raises: ImagesNotSupported."""
    if not engine.sees_images and any(message.images for message in messages):
        raise ImagesNotSupported(f"{engine.model} reads text only")
