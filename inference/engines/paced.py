"""The load-test engine: repeats words of its prompt at a fixed rate. Never an answer to anybody."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Final

from inference.engines.base import Health, refuse_images, refuse_unsupported
from inference.prefix import Prefix
from inference.slots import Slots
from inference.stop_strings import StopStrings
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Role,
    ShouldStop,
    StreamEvent,
    Usage,
    never_stop,
)

ASK_EVERY_S: Final = 0.1  # how often a waiting stream asks whether to stop


class PacedEngine:
    """One word of the quotes, or of the last question, a token; see `inference.engines.base.Engine`.

    It costs almost no processor time, so what a load test measures is the site around it.
    """

    name = "paced"
    slots = 64
    context_tokens = 0
    can_continue = True
    sees_images = False
    can_guide = False

    def __init__(self, *, tokens_per_s: float = 20.0, tokens: int = 200) -> None:
        """tokens_per_s: 0 = without waiting. tokens: the length of every reply."""
        self.model = f"paced-{tokens}-at-{tokens_per_s:g}"
        self._interval_s = 1 / tokens_per_s if tokens_per_s > 0 else 0.0
        self._tokens = tokens
        self._places = Slots(self.slots)

    def load(self) -> None:
        """Nothing to load."""

    def health(self) -> Health:
        """Always ready."""
        return Health(is_ready=True, detail="A load-test engine: it repeats words and answers nothing.")

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Count words."""
        refuse_images(self, messages)
        return sum(len(message.content.split()) for message in messages)

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write words at the chosen rate."""
        refuse_unsupported(self, request)
        with self._places.held(should_stop) as is_held:
            if not is_held:
                yield Finish(FinishReason.CANCELLED)
                return
            yield from self._write(request, should_stop)

    def close(self) -> None:
        """Nothing to free."""

    def _write(self, request: GenerationRequest, should_stop: ShouldStop) -> Iterator[StreamEvent]:
        words = _words(request)
        reason = FinishReason.STOP if words else FinishReason.NO_ANSWER
        started_at, written, stops = time.monotonic(), 0, StopStrings(request.stop)
        prefix = Prefix(request.prefix)
        for number, word in enumerate(islice(cycle(words), self._tokens)):
            if written >= request.max_tokens:
                reason = FinishReason.LENGTH
                break
            if not _wait_until(started_at + written * self._interval_s, should_stop):
                reason = FinishReason.CANCELLED
                break
            written += prefix.is_over
            if sure := prefix.cut(stops.feed(f" {word}" if number else word)):
                yield Delta(sure)
            if stops.is_reached:
                break
        if rest := prefix.cut(stops.flush()):
            yield Delta(rest)
        if reason is not FinishReason.CANCELLED:
            prefix.check()
        usage = Usage(prompt_tokens=self.count_tokens(request.messages), completion_tokens=written)
        yield Finish(reason, usage)


def _words(request: GenerationRequest) -> list[str]:
    if request.quotes:
        return [word for quote in request.quotes for word in quote.text.split()]
    asked = [message.content for message in request.messages if message.role is Role.USER]
    return asked[-1].split() if asked else []


def _wait_until(at: float, should_stop: ShouldStop) -> bool:
    """Sleep until `at` on the monotonic clock; False as soon as told to stop."""
    while not should_stop():
        left_s = at - time.monotonic()
        if left_s <= 0:
            return True
        time.sleep(min(left_s, ASK_EVERY_S))
    return False
