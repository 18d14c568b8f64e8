"""What the tests of both remote engines share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from inference.engines.remote.deadlines import Timeouts
from inference.engines.remote.engine import RemoteEngine
from inference.errors import EngineError
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Role,
    ShouldStop,
    never_stop,
)

QUICK = Timeouts(first_wait_s=0.02)
IMPATIENT = Timeouts(first_token_s=0.4, cold_s=0.4, between_tokens_s=0.3, total_s=1.5, first_wait_s=0.02)


def asked(question: str = "Count.", **options: object) -> GenerationRequest:
    given: dict[str, object] = {"messages": (ChatMessage(Role.USER, question),), "max_tokens": 50, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def hear(
    engine: RemoteEngine, request: GenerationRequest | None = None, *, should_stop: ShouldStop = never_stop
) -> tuple[str, Finish]:
    """Read a reply that ends well."""
    *deltas, finish = engine.stream(request or asked(), should_stop=should_stop)
    assert isinstance(finish, Finish)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


def hear_fail(
    engine: RemoteEngine, kind: type[EngineError], request: GenerationRequest | None = None
) -> tuple[str, EngineError]:
    """Read a reply that ends in an error: what came before, and the error."""
    heard: list[str] = []
    with pytest.raises(kind) as failed:
        heard.extend(event.text for event in engine.stream(request or asked()) if isinstance(event, Delta))
    assert type(failed.value) is kind
    return "".join(heard), failed.value


@contextmanager
def closing(engine: RemoteEngine) -> Iterator[RemoteEngine]:
    try:
        yield engine
    finally:
        engine.close()


def seconds_to_stop(engine: RemoteEngine, is_time: Callable[[], bool]) -> float:
    """Stop a reply once it is time, and measure how long the stream goes on after that."""
    stopped_at: list[float] = []

    def should_stop() -> bool:
        if is_time() and not stopped_at:
            stopped_at.append(time.monotonic())
        return bool(stopped_at)

    _, finish = hear(engine, should_stop=should_stop)
    assert finish.reason is FinishReason.CANCELLED
    return time.monotonic() - stopped_at[0]
