"""Runtimes that misbehave, for the tests of the host; they run in its child process."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator, Sequence

from inference.errors import ModelBroken
from inference.types import ChatMessage, Delta, Finish, FinishReason, GenerationRequest, ShouldStop, Usage


class Talker:
    """Says "word" for ever, a little slower than it is read; `misdeed` happens after `after` words."""

    def __init__(self, misdeed: str = "", after: int = 3, every_s: float = 0.01) -> None:
        self._misdeed = misdeed
        self._after = after
        self._every_s = every_s
        if misdeed == "broken":
            raise ModelBroken("as asked")
        if misdeed == "no room":
            raise ModelBroken("model.onnx: std::bad_alloc")
        if misdeed == "exit at load":
            os._exit(1)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        return len(messages)

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop, on_step: Callable[[], None]
    ) -> Iterator[Delta | Finish]:
        question = request.messages[-1].content
        for number in range(request.max_tokens):
            if should_stop():
                yield Finish(FinishReason.CANCELLED, Usage(completion_tokens=number))
                return
            if number == self._after and question == "misbehave":
                _misbehave(self._misdeed)
            time.sleep(self._every_s)
            on_step()
            yield Delta(f"{question} ")
        yield Finish(FinishReason.LENGTH, Usage(completion_tokens=request.max_tokens))


def _misbehave(misdeed: str) -> None:
    match misdeed:
        case "exit":
            os._exit(1)
        case "crash":
            ctypes.string_at(0)
        case "hang":
            ctypes.PyDLL(None).sleep(60)  # in native code, holding the interpreter's lock
        case "memory":
            raise RuntimeError("Failed to allocate memory for requested buffer of size 1073741824")
        case "raise":
            raise ValueError("as asked")
