"""What goes through the pipe between the site and the child process of a native engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference.types import ChatMessage, Delta, Finish, GenerationRequest, ShouldStop


class Runtime(Protocol):
    """The part of a native engine that lives in the child; built there from plain arguments."""

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the messages as the model will see them. Raises: EngineError."""
        ...

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop, on_step: Callable[[], None]
    ) -> Iterator[Delta | Finish]:
        """Write a reply; `on_step` is called after every step and every chunk of the prompt."""
        ...


def no_report() -> None:
    """The default for `on_step`."""


@dataclass(frozen=True, slots=True)
class Start:
    """To the child: write this reply."""

    stream: int
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class Count:
    """To the child: count the tokens of these messages."""

    stream: int
    messages: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """To the child: this reply is no longer wanted."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From the child: the runtime is loaded. slots: replies it writes at once; 0 = as many as asked."""

    slots: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """From the child: work goes on, though no text came of it yet."""


@dataclass(frozen=True, slots=True)
class Event:
    """From the child: the next event of a reply."""

    stream: int
    event: Delta | Finish


@dataclass(frozen=True, slots=True)
class Counted:
    """From the child: the answer to Count."""

    stream: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Failed:
    """From the child: an error of the EngineError tree. Stream 0: the runtime could not be loaded."""

    stream: int
    code: str
    detail: str


ToChild = Start | Count | Stop
FromChild = Ready | Step | Event | Counted | Failed
