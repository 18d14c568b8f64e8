"""The socket at /ws/chat/: parse a frame, call one verb, pass events on. Nothing is decided here."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from django.utils import translation

from chat import protocol, streams, turns
from chat.crossing import in_thread
from chat.errors import AttachmentGone, ChatError, Internal, NotFound, RateLimited
from chat.models import Conversation, Message, MessageRole
from chat.origins import address_of
from chat.scope_language import language_of
from chat.visitors import Visitor, visitor_of

logger = logging.getLogger(__name__)

CLOSE_UNKNOWN_VISITOR = 4401
MAX_WATCHED = 20
MAX_FOLLOWED = 50
RESUMES_PER_WINDOW = 200
RESUME_WINDOW_S = 60
ROOM_POLL_S = 5.0
WINDOW = 1000  # deltas a reader may be behind before the stream waits for it


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One browser tab, or one program."""

    async def connect(self) -> None:
        """Accept a signed-in person or a guest with a session; nobody else."""
        self.visitor: Visitor = await in_thread(visitor_of)(self.scope["user"], self.scope["session"])
        self.language = await in_thread(language_of)(self.scope)
        self.followers: dict[UUID, _Follower] = {}
        self.watched: set[UUID] = set()
        self.resumed_at: deque[float] = deque()
        await self.accept()
        if not self.visitor.is_known:
            await self.close(CLOSE_UNKNOWN_VISITOR)

    async def disconnect(self, code: int) -> None:
        """Stop following; what is being written goes on."""
        for follower in self.followers.values():
            follower.task.cancel()
        for conversation in self.watched:
            await self.channel_layer.group_discard(_group(conversation), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame; whatever is wrong with it, the socket stays open."""
        client_id: str | None = None
        try:
            frame = protocol.parse(text_data, bytes_data)
            client_id = getattr(frame, "client_id", None)
            if not isinstance(frame, protocol.Ack | protocol.Ping) and await in_thread(self._has_left)():
                await self._send_error(NotFound("the session has ended"), client_id)
                await self.close(CLOSE_UNKNOWN_VISITOR)
                return
            await self._handlers[type(frame)](self, frame)
        except ChatError as exc:
            await self._send_error(exc, getattr(exc, "client_id", None) or client_id)
        except Exception:  # the edge of the room
            logger.exception("a frame could not be handled")
            await self._send_error(Internal(), client_id)

    def _has_left(self) -> bool:
        """Say whether the browser has signed in or out since: what is said here would be nobody's."""
        session = self.scope["session"]
        return not session.exists(session.session_key)

    async def _send_error(self, error: ChatError, client_id: str | None) -> None:
        with translation.override(self.language):
            gone = error.gone if isinstance(error, AttachmentGone) else None
            event = protocol.ErrorEvent(error.code, str(error.user_message), client_id, gone)
        await self.send(event.to_json())

    async def _start(self, frame: protocol.TurnStart) -> None:
        accepted = await in_thread(turns.start_turn)(
            self.visitor,
            frame.text,
            frame.client_id,
            conversation_id=frame.conversation,
            assistant_slug=frame.assistant,
            parent_id=frame.parent,
            attachments=frame.attachments,
            language=self.language,
            address=self._address,
        )
        await self._announce(accepted)

    async def _regenerate(self, frame: protocol.TurnRegenerate) -> None:
        accepted = await in_thread(turns.regenerate_turn)(
            self.visitor, frame.message, frame.client_id, self._address
        )
        await self._announce(accepted)

    async def _announce(self, accepted: turns.Accepted) -> None:
        await self.send(accepted.event.to_json())
        self._follow(accepted.reply)
        conversation = accepted.question.conversation_id
        message = {"type": "turn.accepted", "event": accepted.event.to_dict(), "sender": self.channel_name}
        try:
            if not accepted.is_repeat:
                await self.channel_layer.group_send(_group(conversation), message)
            await self._watch_group(conversation)
        except Exception:  # stored and followed already: only the reader's other tabs miss it
            logger.exception("a turn could not be announced to other tabs")

    async def _cancel(self, frame: protocol.TurnCancel) -> None:
        await in_thread(turns.cancel_turn)(self.visitor, frame.message)

    async def _resume(self, frame: protocol.TurnResume) -> None:
        self._count_resume()
        reply = await in_thread(self._reply)(frame.message)
        self._follow(reply, frame.after)

    def _count_resume(self) -> None:
        """Refuse a flood: every replay waits in memory for a reader who may never read it."""
        now = time.monotonic()
        while self.resumed_at and self.resumed_at[0] < now - RESUME_WINDOW_S:
            self.resumed_at.popleft()
        if len(self.resumed_at) >= RESUMES_PER_WINDOW:
            raise RateLimited("resumes on one socket")
        self.resumed_at.append(now)

    def _reply(self, message_id: UUID) -> Message:
        mine = Message.objects.for_visitor(self.visitor)
        reply = mine.filter(pk=message_id, role=MessageRole.ASSISTANT).first()
        if reply is None:
            raise NotFound(f"reply {message_id}")
        return reply

    async def _watch(self, frame: protocol.ConversationWatch) -> None:
        is_mine = await in_thread(self._owns)(frame.conversation)
        if not is_mine:
            raise NotFound(f"conversation {frame.conversation}")
        await self._watch_group(frame.conversation)

    def _owns(self, conversation_id: UUID) -> bool:
        return Conversation.objects.for_visitor(self.visitor).filter(pk=conversation_id).exists()

    async def _watch_group(self, conversation: UUID) -> None:
        if conversation in self.watched:
            return
        while len(self.watched) >= MAX_WATCHED:
            await self.channel_layer.group_discard(_group(self.watched.pop()), self.channel_name)
        self.watched.add(conversation)
        await self.channel_layer.group_add(_group(conversation), self.channel_name)

    async def _ack(self, frame: protocol.Ack) -> None:
        if follower := self.followers.get(frame.message):
            follower.acknowledge(frame.seq)

    async def _ping(self, _frame: protocol.Ping) -> None:
        await self.send(protocol.Pong().to_json())

    async def turn_accepted(self, message: dict[str, Any]) -> None:
        """Another tab has started a turn here."""
        if message["sender"] == self.channel_name:
            return
        try:
            reply = await in_thread(self._reply)(UUID(message["event"]["message"]))
        except NotFound:  # handed to an account, or deleted in the meantime
            logger.info("a turn was announced that this visitor may not read")
            return
        except DatabaseError:
            logger.exception("a turn of another tab cannot be shown")
            return
        await self.send(protocol.encode(message["event"]))
        self._follow(reply)

    def _follow(self, reply: Message, after: int = 0) -> None:
        if old := self.followers.pop(reply.pk, None):
            old.task.cancel()
        while len(self.followers) >= MAX_FOLLOWED:
            self.followers.pop(next(iter(self.followers))).task.cancel()
        self.followers[reply.pk] = _Follower(reply, after, self.send)

    @property
    def _address(self) -> str:
        return address_of(self.scope)

    _handlers: dict[type, Callable[..., Awaitable[None]]] = {
        protocol.TurnStart: _start,
        protocol.TurnRegenerate: _regenerate,
        protocol.TurnCancel: _cancel,
        protocol.TurnResume: _resume,
        protocol.ConversationWatch: _watch,
        protocol.Ack: _ack,
        protocol.Ping: _ping,
    }


class _Follower:
    """Passes the events of one reply on to one socket, at the reader's pace.

    A reader that acknowledges is never more than WINDOW deltas behind: the stream waits for it. One that
    never acknowledges gets what follows the window as one snapshot, once the reply is over.
    """

    def __init__(self, reply: Message, after: int, send: Callable[[str], Awaitable[None]]) -> None:
        self._reply = reply
        self._send = send
        self._acknowledged = self._sent = after
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.task = asyncio.create_task(self._run(after))

    def acknowledge(self, seq: int) -> None:
        """Note how far the reader is."""
        self._acknowledged = max(self._acknowledged, min(seq, self._sent))
        self._has_room.set()

    async def _run(self, after: int) -> None:
        try:
            async with aclosing(streams.follow(self._reply, after)) as events:
                async for event in events:
                    if not await self._wait_for_room():
                        await self._send_rest()
                        return
                    await self._send(protocol.encode(event))
                    self._note(event)
        except Message.DoesNotExist:
            await self._send_failure(NotFound())
        except Exception:  # the edge of the room
            logger.exception("reply %s cannot be followed", self._reply.pk)
            await self._send_failure(Internal())

    def _note(self, event: Mapping[str, object]) -> None:
        seq = event.get("seq")
        if not isinstance(seq, int):
            return
        self._sent = seq
        if event["type"] == protocol.ReplySnapshot.type or seq < self._acknowledged:
            self._acknowledged = seq  # counted anew from here

    async def _wait_for_room(self) -> bool:
        """Wait until the reader is near enough; False when the reply is over and it never came."""
        while self._sent - self._acknowledged >= WINDOW:
            self._has_room.clear()
            try:
                await asyncio.wait_for(self._has_room.wait(), timeout=ROOM_POLL_S)
            except TimeoutError:
                if await in_thread(streams.is_over)(self._reply):
                    return False
        return True

    async def _send_rest(self) -> None:
        reply = await in_thread(Message.objects.get)(pk=self._reply.pk)
        for event in streams.from_row(reply):
            await self._send(protocol.encode(event))

    async def _send_failure(self, error: ChatError) -> None:
        with translation.override(self._reply.language or None):
            event = protocol.ReplyError(
                str(self._reply.pk), error.code, str(error.user_message), error.retryable
            )
        await self._send(event.to_json())


def _group(conversation: UUID) -> str:
    return f"conversation.{conversation.hex}"
