"""What a request must look like before it is sent anywhere. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from inference.engines.pictures import images_of
from inference.engines.remote.estimates import count_messages
from inference.errors import BadRequest, ContextTooLong, GuidanceNotSupported
from inference.special_tokens import KNOWN, neutralise_messages
from inference.types import ChatMessage, GenerationRequest, Guidance, GuidanceKind

# End marks of the Phi line, where a server with the wrong template lets them through as text.
LEAKED_ENDS: Final = ("<|end|>", "<|endoftext|>", "<|im_end|>")


def check(request: GenerationRequest, context_tokens: int) -> None:
    """Refuse what servers take without a word, or fail on in the middle.

    Raises: BadRequest, ContextTooLong, GuidanceNotSupported.
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
    images_of(request.messages)
    if request.guidance is not None:
        schema_of(request.guidance)
    prompt_tokens = count_messages(request.messages)
    if context_tokens and prompt_tokens + request.max_tokens > context_tokens:
        raise ContextTooLong(
            f"about {prompt_tokens} prompt + {request.max_tokens} new tokens > {context_tokens}"
        )


def schema_of(guidance: Guidance) -> Mapping[str, object]:
    """Read the schema a reply is held to. Raises: BadRequest, GuidanceNotSupported.

    Servers disagree on where an expression goes and pass over what they do not know: none is sent.
    """
    if guidance.kind is not GuidanceKind.JSON_SCHEMA:
        raise GuidanceNotSupported("servers are held to JSON schemas only, not to expressions")
    try:
        schema = json.loads(guidance.pattern)
    except (ValueError, RecursionError) as exc:
        raise BadRequest(f"the schema is not JSON: {exc}") from exc
    if not isinstance(schema, dict):
        raise BadRequest("the schema is no JSON object")
    return schema


def clean(messages: Sequence[ChatMessage], marks: Sequence[str] = ()) -> list[ChatMessage]:
    """Take control tokens apart, and replace what UTF-8 cannot say (half of a surrogate pair).

    marks: what else this server would not read as text.
    """
    return [
        replace(message, content=message.content.encode("utf-8", "replace").decode("utf-8"))
        for message in neutralise_messages(messages, (*KNOWN, *marks))
    ]
