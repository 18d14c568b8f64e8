"""What is left to ask of an engine once a part of the reply is written."""

from dataclasses import dataclass, replace

from inference.engines.base import Engine
from inference.types import ChatMessage, Finish, GenerationRequest, Role


@dataclass(frozen=True, slots=True)
class Rest:
    """A request for what follows a text. tokens: how many the text has."""

    request: GenerationRequest
    tokens: int

    @property
    def is_none(self) -> bool:
        """Whether the text is as long as the reply may be."""
        return self.request.max_tokens < 1

    def counted(self, finish: Finish) -> Finish:
        """Return an end whose usage counts the whole reply."""
        written = finish.usage.completion_tokens + self.tokens
        return replace(finish, usage=replace(finish.usage, completion_tokens=written))


def rest_of(request: GenerationRequest, text: str, engine: Engine) -> Rest:
    """Ask for what follows `text`, so that the whole stays within max_tokens. Raises: EngineError."""

    def tokens_with(answer: str) -> int:
        return engine.count_tokens([*request.messages, ChatMessage(Role.ASSISTANT, answer)])

    tokens = max(0, tokens_with(text) - tokens_with(""))
    return Rest(replace(request, prefix=text, max_tokens=request.max_tokens - tokens), tokens)
