"""One reply as it is written: tokens in, text out, and why it ends."""

from collections.abc import Callable, Iterator

from inference.errors import BadRequest, ContextTooLong
from inference.stop_strings import StopStrings
from inference.types import Delta, Finish, FinishReason, GenerationRequest, Usage

Decode = Callable[[int], str]  # the text that is sure after one more token; often none


class Reply:
    """Turns the tokens of one reply into events.

    cached_tokens: of the prompt, set by whoever did not compute them again.
    """

    def __init__(
        self, request: GenerationRequest, prompt_tokens: int, decode: Decode, ends: frozenset[int]
    ) -> None:
        """decode: of this reply alone, it remembers. ends: tokens that end a reply."""
        self._max_tokens = request.max_tokens
        self._prompt_tokens = prompt_tokens
        self._decode = decode
        self._stops = StopStrings(request.stop)
        self._ends = ends
        self._has_text = bool(request.prefix or request.guidance)  # a grammar's spaces are all meant
        self._written = 0
        self.cached_tokens = 0
        self.is_finished = False

    @property
    def tokens_left(self) -> int:
        """How many more tokens may be written."""
        return self._max_tokens - self._written

    def add(self, token: int) -> Iterator[Delta | Finish]:
        """Take the next token and yield what can be said now."""
        if token in self._ends:
            yield from self.finish(FinishReason.STOP)
            return
        self._written += 1
        if sure := self._stops.feed(self._decoded(token)):
            yield Delta(sure)
        if self._stops.is_reached:
            yield from self.finish(FinishReason.STOP)
        elif self._written >= self._max_tokens:
            yield from self.finish(FinishReason.LENGTH)

    def finish(self, reason: FinishReason) -> Iterator[Delta | Finish]:
        """End the reply with what was held back."""
        self.is_finished = True
        if rest := self._stops.flush():
            yield Delta(rest)
        cached = min(self.cached_tokens, self._prompt_tokens)  # what a reply goes on from is cached as well
        yield Finish(reason, Usage(self._prompt_tokens, self._written, cached))

    def _decoded(self, token: int) -> str:
        """Decode a token; the single space a reply begins with is the tokenizer's, not the model's."""
        text = self._decode(token)
        if text and not self._has_text:
            self._has_text = True
            return text.removeprefix(" ")
        return text


def check_options(request: GenerationRequest) -> None:
    """Refuse what a runtime would take without a word, or fail on in the middle. Raises: BadRequest."""
    if request.max_tokens < 1:
        raise BadRequest(f"max_tokens {request.max_tokens} is below 1")
    if not 0 <= request.temperature <= 5:
        raise BadRequest(f"temperature {request.temperature} is not between 0 and 5")
    if not 0 < request.top_p <= 1:
        raise BadRequest(f"top_p {request.top_p} is not between 0 and 1")
    if request.top_k < 0:
        raise BadRequest(f"top_k {request.top_k} is negative")
    if not 0 < request.repetition_penalty <= 5:
        raise BadRequest(f"repetition_penalty {request.repetition_penalty} is not between 0 and 5")
    if request.seed is not None and not 0 <= request.seed < 2**31:
        raise BadRequest(f"seed {request.seed} is not between 0 and 2**31 - 1")


def check_fits(request: GenerationRequest, prompt_tokens: int, context_tokens: int) -> None:
    """Refuse what does not fit into the context. Raises: ContextTooLong."""
    if prompt_tokens + request.max_tokens > context_tokens:
        raise ContextTooLong(f"{prompt_tokens} prompt + {request.max_tokens} new tokens > {context_tokens}")
