"""One reply, read from one or more attempts: lines to events, with deadlines, stop strings and usage."""

import time
from collections.abc import Iterator
from typing import Final

from inference.engines.remote import estimates, options
from inference.engines.remote.call import Call
from inference.engines.remote.connection import POLL_S
from inference.engines.remote.deadlines import TAIL_S, Deadlines
from inference.engines.remote.failures import Dropped, Stopped, UpstreamFailure
from inference.engines.remote.wire import Piece, WireReader
from inference.stop_strings import StopStrings
from inference.types import Delta, Finish, FinishReason, GenerationRequest, ShouldStop, StreamEvent, Usage

DRAIN_S: Final = 0.1


class Reply:
    """The state of one reply. Not thread-safe.

    tokens: pieces that came so far; once there is one, nothing is asked again.
    """

    def __init__(self, request: GenerationRequest, deadlines: Deadlines, should_stop: ShouldStop) -> None:
        self.tokens = 0
        self._request = request
        self._deadlines = deadlines
        self._should_stop = should_stop
        self._stops = StopStrings((*request.stop, *options.LEAKED_ENDS))
        self._usage: Usage | None = None
        self._reason: FinishReason | None = None

    def read(self, call: Call, reader: WireReader) -> Iterator[StreamEvent]:
        """Read one attempt to its end, the Finish. Raises: UpstreamFailure, Stopped."""
        self._deadlines.restart(time.monotonic())
        while True:
            piece = self._next(call, reader)
            if piece.text and (sure := self._stops.feed(piece.text)):
                yield Delta(sure)
            if self._stops.is_reached:
                yield Finish(FinishReason.STOP, self.usage())
                return
            if self._reason is not None:
                break
            if piece.is_end:
                raise Dropped("the stream ended without a finish reason")
        yield from self.rest()
        if not piece.is_end:
            self._read_tail(call, reader)
        yield Finish(self._reason, self.usage())
        call.drain(DRAIN_S)

    def rest(self) -> Iterator[Delta]:
        """Yield the text that was held back because it might have become a stop string."""
        if rest := self._stops.flush():
            yield Delta(rest)

    def usage(self) -> Usage:
        """Give the server's count, where there is none our own."""
        if self._usage is not None:
            return self._usage
        is_full = self._reason is FinishReason.LENGTH
        return Usage(
            prompt_tokens=estimates.count_messages(self._request.messages),
            completion_tokens=self._request.max_tokens if is_full else self.tokens,
        )

    def _next(self, call: Call, reader: WireReader) -> Piece:
        """Wait for the next piece; what says nothing (keep-alives, empty lines) does not stop the clock."""
        while True:
            if self._should_stop():
                raise Stopped
            line, at = call.take(POLL_S)
            piece = self._piece(call, reader, line)
            if piece is None:
                self._deadlines.check(at)
                continue
            self._take_note(piece)
            if piece.is_token:
                self.tokens += 1
                self._deadlines.token(at)
            else:
                self._deadlines.check(at)
            return piece

    def _piece(self, call: Call, reader: WireReader, line: str | None) -> Piece | None:
        try:
            if call.is_ended:
                return reader.end() or Piece(is_end=True)
            return reader.feed(line) if line is not None else None
        except ValueError as exc:
            raise Dropped(f"the answer is not what it should be: {exc}") from exc

    def _read_tail(self, call: Call, reader: WireReader) -> None:
        """Wait a moment for the usage, which comes after the finish reason."""
        until = time.monotonic() + TAIL_S
        try:
            while not call.is_ended and time.monotonic() < until and not self._should_stop():
                line, _at = call.take(POLL_S)
                piece = self._piece(call, reader, line)
                if piece is not None:
                    self._take_note(piece)
                    if piece.is_end:
                        return
        except UpstreamFailure:
            return  # the reply is whole

    def _take_note(self, piece: Piece) -> None:
        self._usage = piece.usage or self._usage
        self._reason = self._reason or piece.reason
