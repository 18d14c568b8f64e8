"""An engine on another server: slots, deadlines, retries and ends are the same for every wire format."""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final

from inference.engines.base import Health, refuse_images, refuse_unsupported
from inference.engines.remote import estimates, options, unsupported
from inference.engines.remote.breaker import Breaker
from inference.engines.remote.call import Call
from inference.engines.remote.connection import POLL_S, Connection
from inference.engines.remote.deadlines import Deadlines, Timeouts
from inference.engines.remote.failures import Stopped, UpstreamFailure
from inference.engines.remote.reply import Reply
from inference.engines.remote.wire import WireReader
from inference.errors import (
    ContentRefused,
    EngineError,
    EngineTimeout,
    GuidanceNotSupported,
    ImagesNotSupported,
    StreamInterrupted,
)
from inference.slots import Slots
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    ShouldStop,
    StreamEvent,
    never_stop,
)

HEALTH_S: Final = 0.9
JUST_NOW_S: Final = 3.0
MAX_WAIT_S: Final = 20.0  # a server that asks for more is busy, and the reader is told so now


class RemoteEngine(ABC):
    """A model behind HTTP; see `inference.engines.base.Engine`. Subclasses know the wire format."""

    name: str
    can_continue = False  # no two kinds of server take a begun answer in the same way
    warm_s: float  # how long the server keeps an idle model in memory

    def __init__(
        self, connection: Connection, *, model: str, slots: int, context_tokens: int, timeouts: Timeouts
    ) -> None:
        self.slots = slots
        self.context_tokens = context_tokens
        self._connection = connection
        self._wanted = model
        self._found = ""  # the model's name, once the server has been asked
        self._timeouts = timeouts
        self._breaker = Breaker()
        self._places = Slots(slots)
        self._is_loaded = False
        self._warm_at = float("-inf")
        self._is_blind = False  # until the server says that its model reads text only,
        self._is_unguided = False  # or that it cannot hold to a schema

    @property
    def sees_images(self) -> bool:
        """Whether images may be sent: yes, until the server has said otherwise."""
        return not self._is_blind

    @property
    def can_guide(self) -> bool:
        """Whether a schema may be sent: yes, until the server has refused one."""
        return not self._is_unguided

    @property
    def has_model(self) -> bool:
        """Whether the name of the model is known."""
        return bool(self._wanted or self._found)

    @property
    def model(self) -> str:
        """The model's name on the server; the engine's own until the server has been asked."""
        return self._wanted or self._found or self.name

    def load(self) -> None:
        """Make sure that the server answers and has the model. Raises: EngineError."""
        if self._is_loaded:
            return
        self._breaker.check()
        try:
            self._prepare()
        except UpstreamFailure as failure:
            self._breaker.failed(failure)
            raise failure.error from failure
        self._breaker.succeeded()
        self._is_loaded = True

    def health(self) -> Health:
        """Ask the server, for less than a second; one that wrote just now may be too busy to say so."""
        if time.monotonic() - self._warm_at < JUST_NOW_S:
            return Health(is_ready=True, detail=f"{self.model} at {self._connection.url} writes.")
        try:
            detail = self._look()
        except UpstreamFailure as failure:
            return Health(is_ready=False, detail=f"{self._connection.url}: {failure}")
        except EngineError as error:
            return Health(is_ready=False, detail=str(error))
        self._breaker.succeeded()
        return Health(is_ready=True, detail=detail)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Estimate, rather too many than too few: the tokenizer is on the server."""
        refuse_images(self, messages)
        return estimates.count_messages(options.clean(messages))

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write a reply on the server; giving up closes the call there."""
        refuse_unsupported(self, request)
        with self._places.held(should_stop) as is_held:
            if not is_held or should_stop():
                yield Finish(FinishReason.CANCELLED)
                return
            options.check(request, self.context_tokens)
            yield from self._write(request, should_stop)

    def close(self) -> None:
        """Close the connections."""
        self._is_loaded = False
        self._found = ""
        self._warm_at = float("-inf")
        self._is_blind = self._is_unguided = False
        self._connection.close()

    @abstractmethod
    def _prepare(self) -> None:
        """Find the model; have it loaded where that can be asked. Raises: UpstreamFailure, EngineError."""

    @abstractmethod
    def _look(self) -> str:
        """Find out within HEALTH_S whether it answers. Raises: UpstreamFailure, EngineError."""

    @abstractmethod
    def _find_model(self, should_stop: ShouldStop) -> str:
        """Ask which model there is. Raises: UpstreamFailure, EngineError, Stopped."""

    @abstractmethod
    def _start(self, request: GenerationRequest, model: str) -> tuple[Call, WireReader]:
        """Send the request."""

    def _look_at_model(self, model: str, should_stop: ShouldStop) -> None:  # noqa: B027 - few servers tell
        """Ask what the model can do, before images are sent to it. Raises: UpstreamFailure, Stopped."""

    def _adapt(self, failure: UpstreamFailure) -> bool:
        """Learn from a refusal; True where the same request will now be written in another way."""
        return False

    def _write(self, request: GenerationRequest, should_stop: ShouldStop) -> Iterator[StreamEvent]:
        now = time.monotonic()
        deadlines = Deadlines(self._timeouts, is_cold=now - self._warm_at > self.warm_s, now=now)
        reply = Reply(request, deadlines, should_stop)
        retries = 0
        try:
            while True:
                try:
                    yield from self._attempt(request, reply, should_stop)
                    return
                except UpstreamFailure as caught:
                    if reply.tokens:
                        yield from reply.rest()
                        raise _broken_off(caught) from caught
                    failure = unsupported.meant(caught, request)
                    self._remember(failure.error)
                    if self._adapt(failure):
                        continue
                    wait_s = wait_before_retry(failure, retries, self._timeouts.first_wait_s)
                    if wait_s is None:
                        self._breaker.failed(failure)
                        raise failure.error from failure
                    retries += 1
                    _sleep(wait_s, should_stop)
        except Stopped:
            yield from reply.rest()
            yield Finish(FinishReason.CANCELLED, reply.usage())

    def _attempt(
        self, request: GenerationRequest, reply: Reply, should_stop: ShouldStop
    ) -> Iterator[StreamEvent]:
        self._breaker.check()
        if not self.has_model:
            self._found = self._find_model(should_stop)
        if any(message.images for message in request.messages):
            self._look_at_model(self.model, should_stop)
        refuse_unsupported(self, request)  # more is known of the model now
        call, reader = self._start(request, self.model)
        try:
            events = reply.read(call, reader)
            for event in events if request.guidance is None else _shaped(events):
                self._mark_warm()
                yield event
        finally:
            call.close()
            if reply.tokens:
                self._breaker.succeeded()

    def _remember(self, error: EngineError) -> None:
        """Keep in mind what the server cannot do at all, so that it is not sent again."""
        if unsupported.is_for_good(error):
            self._is_blind |= isinstance(error, ImagesNotSupported)
            self._is_unguided |= isinstance(error, GuidanceNotSupported)

    def _mark_warm(self) -> None:
        self._warm_at = time.monotonic()


def wait_before_retry(failure: UpstreamFailure, retries: int, first_wait_s: float) -> float | None:
    """Decide how long to wait before asking again, None for not at all. retries: made so far."""
    if retries >= failure.retries or (failure.wait_s or 0) > MAX_WAIT_S:
        return None
    if failure.wait_s is not None:
        return failure.wait_s
    return first_wait_s * (1 << retries) * random.uniform(1, 1.25)  # noqa: S311 - so that not all ask at once


def _shaped(events: Iterator[StreamEvent]) -> Iterator[StreamEvent]:
    """Pass a guided reply on; its end only where the text is what was asked for."""
    said = ""
    for event in events:
        if isinstance(event, Delta):
            said += event.text
        elif event.reason is FinishReason.STOP:
            unsupported.check_shape(said)
        yield event


def _broken_off(failure: UpstreamFailure) -> EngineError:
    if isinstance(failure.error, EngineTimeout | ContentRefused):
        return failure.error
    return StreamInterrupted(str(failure))


def _sleep(wait_s: float, should_stop: ShouldStop) -> None:
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0:
        if should_stop():
            raise Stopped
        time.sleep(min(left_s, POLL_S))
