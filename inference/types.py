"""What goes into an engine and what comes out. Plain values; no Django, no I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Who speaks a message of a prompt."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class FinishReason(StrEnum):
    """Why a stream ended. `no_answer`: the engine found nothing it may say."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a prompt, checked and encoded anew by us: never a stranger's bytes.

    data: PNG or JPEG, as media_type says; width, height: pixels.
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt; `content` is plain text, never None. images: only of a user's message."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()


class GuidanceKind(StrEnum):
    """What the text of a guided reply is held to."""

    JSON_SCHEMA = "json_schema"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Guidance:
    """The shape a reply must have. pattern: a JSON schema as JSON text, or a regular expression."""

    kind: GuidanceKind
    pattern: str


@dataclass(frozen=True, slots=True)
class Quote:
    """One sentence of a retrieved passage that may be quoted.

    n: the number of its passage in the prompt, from 1.
    score: 0–1, how well the sentence answers the question (computed by retrieval).
    """

    n: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """All an engine needs for one reply.

    messages: the whole prompt, oldest first, ending with the user's question.
    max_tokens: at most this many new tokens.
    temperature: 0 = greedy. seed: makes sampling repeatable where the engine can.
    stop: strings that end the reply and are not part of it.
    guidance: the shape the reply must have; only for engines that `can_guide`.
    prefix: the beginning of the answer, written already: the engine goes on after it, and its deltas hold
        only what follows. Only for engines that `can_continue`; tokens of the prefix count as neither
        prompt_tokens nor completion_tokens.
    quotes: the sentences that may be quoted, best first; language models ignore them
        (their prompt holds the passages), the extractive engine answers from them alone.
    """

    messages: tuple[ChatMessage, ...]
    max_tokens: int = 400
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    prefix: str = ""
    guidance: Guidance | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted by the engine. cached_tokens: prompt tokens that were not computed again."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the reply's text, at least one character."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The last thing a stream yields."""

    reason: FinishReason
    usage: Usage = field(default_factory=Usage)


StreamEvent = Delta | Finish
ShouldStop = Callable[[], bool]


def never_stop() -> bool:
    """The default for `should_stop`."""
    return False
