"""What a request must look like before it is sent anywhere. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from inference.engines.remote.estimates import count_messages
from inference.errors import BadRequest, ContextTooLong
from inference.special_tokens import KNOWN, neutralise_messages
from inference.types import ChatMessage, GenerationRequest

# End marks of the Phi line, where a server with the wrong template lets them through as text.
LEAKED_ENDS: Final = ("<|end|>", "<|endoftext|>", "<|im_end|>")


def check(request: GenerationRequest, context_tokens: int) -> None:
    """Refuse what servers take without a word, or fail on in the middle.

    Raises: BadRequest, ContextTooLong.
    """
    if not request.messages:
        raise BadRequest("a prompt needs at least one message")
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
    prompt_tokens = count_messages(request.messages)
    if context_tokens and prompt_tokens + request.max_tokens > context_tokens:
        raise ContextTooLong(
            f"about {prompt_tokens} prompt + {request.max_tokens} new tokens > {context_tokens}"
        )


def clean(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Take control tokens apart, and replace what UTF-8 cannot say (half of a surrogate pair)."""
    return [
        replace(message, content=message.content.encode("utf-8", "replace").decode("utf-8"))
        for message in neutralise_messages(messages, KNOWN)
    ]
