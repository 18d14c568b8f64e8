"""What the server says over /ws/chat/, in `ask --json` and in the event log: typed events.

The half of the WebSocket contract that goes out; import it from chat/protocol.py, which holds the other
half. Nested values are plain JSON shapes (TypedDict), the same in an event and in a message's row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import ClassVar, NotRequired, TypedDict


class SourceItem(TypedDict):
    """A passage the reply was given: what it is, where it is, and what it said at that time.

    n: its number in the reply, from 1. excerpt: its text, shortened. best_sentence: the sentence of
    the excerpt that answers best. area: where it stands on the page, as fractions of its sides.
    """

    n: int
    document: str
    chunk: str
    chunk_sha256: str
    release: str
    title: str
    heading: str
    page: int | None
    area: NotRequired[list[float]]
    excerpt: str
    best_sentence: NotRequired[str]
    score: float
    url: str


class AttachmentItem(TypedDict):
    """A picture sent with a question; width and height in pixels."""

    id: str
    name: str
    width: int
    height: int
    url: str


class NearestItem(TypedDict):
    """A document that comes closest to a question nothing answers."""

    document: str
    title: str
    heading: str
    page: int | None
    url: str


class BlockItem(TypedDict):
    """A finished Markdown block of a reply: code points [start, end) of its text, as safe HTML."""

    block: int
    start: int
    end: int
    html: str


class CitationItem(TypedDict):
    """A [n] in a reply's text, at code points [start, end), and the document it stands for."""

    n: int
    document: str
    start: int
    end: int


class GroundingItem(TypedDict):
    """What the sources say about one sentence of a reply: supported, partial or none."""

    start: int
    end: int
    verdict: str
    sources: list[int]


class ApprovedItem(TypedDict):
    """The approved answer that a reply is: its entry's id, and when staff approved it (ISO 8601)."""

    id: int
    at: str


class UsageItem(TypedDict):
    """Tokens the engine counted."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


class TimingsItem(TypedDict):
    """Where the time went; null where a stage was not reached."""

    queued_s: float | None
    retrieval_s: float | None
    first_token_s: float | None
    total_s: float | None
    tokens_per_s: float | None


class ReplyPhase(StrEnum):
    """What the reader is told while nothing is written yet."""

    WARMING_UP = "warming_up"
    SEARCHING = "searching"
    READING = "reading"
    CONTEXT_SHORTENED = "context_shortened"


def encode(event: Mapping[str, object]) -> str:
    """Return an event as the text of a frame; NaN and infinity raise ValueError."""
    return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Event:
    """Base of what the server sends. A field listed in `omitted` is left out while it is None."""

    type: ClassVar[str]
    omitted: ClassVar[frozenset[str]] = frozenset()

    def to_dict(self) -> dict[str, object]:
        """Return what the event log keeps: plain values, "type" first."""
        values: dict[str, object] = {"type": self.type}
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None or item.name not in self.omitted:
                values[item.name] = value
        return values

    def to_json(self) -> str:
        """Return the text of the frame."""
        return encode(self.to_dict())


@dataclass(frozen=True, slots=True)
class TurnAccepted(Event):
    """A turn is stored and queued. `message` is the reply's id, `parent` the user message's parent."""

    type: ClassVar[str] = "turn.accepted"
    client_id: str
    conversation: str
    user_message: str
    message: str
    text: str
    parent: str | None
    attachments: Sequence[AttachmentItem] = ()


@dataclass(frozen=True, slots=True)
class ReplyState(Event):
    """What happens before the first word. part, parts: how much of a long document is read already."""

    type: ClassVar[str] = "reply.state"
    omitted: ClassVar[frozenset[str]] = frozenset({"part", "parts"})
    message: str
    state: str
    part: int | None = None
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyQueued(Event):
    """Place in the queue, from 1, and the wait expected (null: not known yet)."""

    type: ClassVar[str] = "reply.queued"
    message: str
    position: int
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class ReplySources(Event):
    """The passages the reply is written from."""

    type: ClassVar[str] = "reply.sources"
    message: str
    sources: Sequence[SourceItem]


@dataclass(frozen=True, slots=True)
class ReplyDelta(Event):
    """The next piece of the text; seq rises by 1 from 1."""

    type: ClassVar[str] = "reply.delta"
    message: str
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyBlock(Event):
    """A finished Markdown block, in place of code points [start, end) of the text."""

    type: ClassVar[str] = "reply.block"
    message: str
    block: int
    start: int
    end: int
    html: str


@dataclass(frozen=True, slots=True)
class ReplySnapshot(Event):
    """The whole reply so far, where the log cannot replay; deltas go on from seq."""

    type: ClassVar[str] = "reply.snapshot"
    message: str
    seq: int
    text: str
    blocks: Sequence[BlockItem]
    state: str


@dataclass(frozen=True, slots=True)
class ReplyFinish(Event):
    """The reply is over. seq is its last delta's; nearest is filled for no_answer.

    approved: it was written by staff, word for word.
    """

    type: ClassVar[str] = "reply.finish"
    omitted: ClassVar[frozenset[str]] = frozenset({"approved"})
    message: str
    seq: int
    finish_reason: str
    text: str
    citations: Sequence[CitationItem]
    grounding: Sequence[GroundingItem]
    usage: UsageItem
    timings: TimingsItem
    engine: str
    model: str
    status: str
    notice: str = ""
    nearest: Sequence[NearestItem] = field(default_factory=list)
    approved: ApprovedItem | None = None


@dataclass(frozen=True, slots=True)
class ReplyError(Event):
    """The reply failed; what was written stays."""

    type: ClassVar[str] = "reply.error"
    message: str
    code: str
    user_message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class ErrorEvent(Event):
    """A frame was refused; client_id says which send, where it named one.

    gone: ids of the pictures it named that cannot be sent (again).
    """

    type: ClassVar[str] = "error"
    omitted: ClassVar[frozenset[str]] = frozenset({"client_id", "gone"})
    code: str
    user_message: str
    client_id: str | None = None
    gone: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Pong(Event):
    """The answer to a ping."""

    type: ClassVar[str] = "pong"
