"""The WebSocket contract of /ws/chat/: typed frames in, typed events out. docs/protocol.md explains it.

Nothing here knows a socket or a database. The events are written in chat/events.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from chat.errors import ChatError, Empty, TooLong, UserMessage
from chat.events import (
    AttachmentItem,
    BlockItem,
    CitationItem,
    ErrorEvent,
    Event,
    GroundingItem,
    NearestItem,
    Pong,
    ReplyBlock,
    ReplyDelta,
    ReplyError,
    ReplyFinish,
    ReplyPhase,
    ReplyQueued,
    ReplySnapshot,
    ReplySources,
    ReplyState,
    SourceItem,
    TimingsItem,
    TurnAccepted,
    UsageItem,
    encode,
)

__all__ = [
    "AttachmentItem",
    "BlockItem",
    "CitationItem",
    "ErrorEvent",
    "Event",
    "GroundingItem",
    "NearestItem",
    "Pong",
    "ReplyBlock",
    "ReplyDelta",
    "ReplyError",
    "ReplyFinish",
    "ReplyPhase",
    "ReplyQueued",
    "ReplySnapshot",
    "ReplySources",
    "ReplyState",
    "SourceItem",
    "TimingsItem",
    "TurnAccepted",
    "UsageItem",
    "encode",
]

MAX_FRAME_BYTES = 64 * 1024
MAX_TEXT_CHARS = 8000
MAX_SEQ = 2**31 - 1
MAX_ATTACHMENTS = 10


# --- frames: client → server -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TurnStart:
    """Ask: in a conversation, or in a new one with an assistant (its slug). At least one is given."""

    type: ClassVar[str] = "turn.start"
    text: str
    client_id: str
    conversation: UUID | None = None
    assistant: str = ""
    parent: UUID | None = None
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnCancel:
    """Stop a reply."""

    type: ClassVar[str] = "turn.cancel"
    message: UUID


@dataclass(frozen=True, slots=True)
class TurnRegenerate:
    """Answer again; the new reply becomes a sibling of the old one."""

    type: ClassVar[str] = "turn.regenerate"
    message: UUID
    client_id: str


@dataclass(frozen=True, slots=True)
class TurnResume:
    """Replay a reply after a seq (0 = from its start) and go on live."""

    type: ClassVar[str] = "turn.resume"
    message: UUID
    after: int = 0


@dataclass(frozen=True, slots=True)
class ConversationWatch:
    """Hear also of turns that another tab starts in a conversation."""

    type: ClassVar[str] = "conversation.watch"
    conversation: UUID


@dataclass(frozen=True, slots=True)
class Ack:
    """The reader has got a reply as far as seq."""

    type: ClassVar[str] = "ack"
    message: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a pong."""

    type: ClassVar[str] = "ping"


FRAMES = (TurnStart, TurnCancel, TurnRegenerate, TurnResume, ConversationWatch, Ack, Ping)
EVENTS = (
    TurnAccepted,
    ReplyState,
    ReplyQueued,
    ReplySources,
    ReplyDelta,
    ReplyBlock,
    ReplySnapshot,
    ReplyFinish,
    ReplyError,
    ErrorEvent,
    Pong,
)
Frame = TurnStart | TurnCancel | TurnRegenerate | TurnResume | ConversationWatch | Ack | Ping


class ProtocolError(ChatError):
    """A frame that is not one. client_id: the frame's own, where it could be read."""

    code = "bad_request"
    user_message: UserMessage = _("The page sent something this site does not understand. Reload the page.")

    def __init__(self, code: str, user_message: UserMessage | None = None, client_id: str | None = None):
        """Keep code, message and the frame's client_id; the log needs no more than the code."""
        super().__init__(code)
        self.code = code
        self.client_id = client_id
        if user_message is not None:
            self.user_message = user_message


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,60}")
_CLIENT_ID = re.compile(r"[!-~]{1,80}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BAD_TEXT = _("This text holds characters that are not text. Remove them and send it again.")
_FRAME_TOO_LARGE = _("This message is too large. Shorten it, or add the text as a document.")


def parse(text: str | None, bytes: bytes | None = None, *, max_chars: int = MAX_TEXT_CHARS) -> Frame:
    """Turn what came over the socket into a frame.

    Units: at most MAX_FRAME_BYTES of UTF-8; `max_chars` code points of the user's text.
    Raises: ProtocolError (bad_request, too_large, unknown_type, bad_text, empty, too_long).
    """
    if text is None or bytes is not None:
        raise ProtocolError("bad_request")
    if len(text) > MAX_FRAME_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise ProtocolError("too_large", _FRAME_TOO_LARGE)
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise ProtocolError("bad_request") from exc
    if not isinstance(values, dict):
        raise ProtocolError("bad_request")
    reader = _Reader(values)
    kind = values.get("type")
    if not isinstance(kind, str):
        raise reader.error()
    if kind not in _PARSERS:
        raise reader.error("unknown_type")
    return _PARSERS[kind](reader, max_chars)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


class _Reader:
    """Reads fields of one frame strictly: the exact type or a ProtocolError; null is absent."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        client_id = values.get("client_id")
        is_readable = isinstance(client_id, str) and _CLIENT_ID.fullmatch(client_id)
        self.known_client_id = str(client_id) if is_readable else None

    def error(self, code: str = "bad_request", message: UserMessage | None = None) -> ProtocolError:
        return ProtocolError(code, message, self.known_client_id)

    def client_id(self) -> str:
        if self.known_client_id is None:
            raise self.error()
        return self.known_client_id

    def uuid(self, name: str) -> UUID:
        return self._as_uuid(self.values.get(name))

    def optional_uuid(self, name: str) -> UUID | None:
        return None if self.values.get(name) is None else self.uuid(name)

    def uuids(self, name: str) -> tuple[UUID, ...]:
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
            raise self.error()
        return tuple(self._as_uuid(item) for item in value)

    def slug(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not _SLUG.fullmatch(value):
            raise self.error()
        return value

    def seq(self, name: str, default: int | None = None) -> int:
        value = self.values.get(name)
        value = default if value is None else value
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SEQ:
            raise self.error()
        return value

    def text(self, max_chars: int) -> str:
        value = self.values.get("text")
        if not isinstance(value, str):
            raise self.error()
        if _SURROGATE.search(value):
            raise self.error("bad_text", _BAD_TEXT)
        text = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if not text:
            raise self.error(Empty.code, Empty.user_message)
        if len(text) > max_chars:
            raise self.error(TooLong.code, TooLong.user_message)
        return text

    def _as_uuid(self, value: object) -> UUID:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.error()
        return UUID(value)


def _parse_start(reader: _Reader, max_chars: int) -> Frame:
    conversation, assistant = reader.optional_uuid("conversation"), reader.slug("assistant")
    if conversation is None and not assistant:
        raise reader.error()
    return TurnStart(
        text=reader.text(max_chars),
        client_id=reader.client_id(),
        conversation=conversation,
        assistant=assistant,
        parent=reader.optional_uuid("parent"),
        attachments=reader.uuids("attachments"),
    )


_PARSERS: dict[str, Callable[[_Reader, int], Frame]] = {
    TurnStart.type: _parse_start,
    TurnCancel.type: lambda reader, _chars: TurnCancel(reader.uuid("message")),
    TurnRegenerate.type: lambda reader, _chars: TurnRegenerate(reader.uuid("message"), reader.client_id()),
    TurnResume.type: lambda reader, _chars: TurnResume(reader.uuid("message"), reader.seq("after", 0)),
    ConversationWatch.type: lambda reader, _chars: ConversationWatch(reader.uuid("conversation")),
    Ack.type: lambda reader, _chars: Ack(reader.uuid("message"), reader.seq("seq")),
    Ping.type: lambda reader, _chars: Ping(),
}
