"""Sockets to a running site for tests: open one as a guest, send frames, read events."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from bench.chats import guest_cookies
from tests.site import Site

Event = dict[str, Any]
LAST = {"reply.finish", "reply.error"}


class Socket:
    """One open socket and what came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        """Wrap a connection."""
        self.connection = connection
        self.seen: list[Event] = []

    async def send(self, **frame: object) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps(frame))

    async def next(self, timeout_s: float = 20) -> Event:
        """Return the next event."""
        async with asyncio.timeout(timeout_s):
            event: Event = json.loads(await self.connection.recv())
        self.seen.append(event)
        return event

    async def until(self, *types: str, timeout_s: float = 40) -> Event:
        """Read up to the first event of one of the types."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.next(timeout_s)
                if event["type"] in types:
                    return event

    async def start(self, text: str = "How long is the warranty?", **more: object) -> Event:
        """Ask and return `turn.accepted`, or the error."""
        frame: dict[str, object] = {"assistant": "support", "client_id": uuid.uuid4().hex, **more}
        await self.send(type="turn.start", text=text, **frame)
        return await self.until("turn.accepted", "error")

    async def end(self, timeout_s: float = 40) -> Event:
        """Read up to the end of a reply."""
        return await self.until(*LAST, timeout_s=timeout_s)

    async def is_alive(self) -> bool:
        """Say whether a ping is answered."""
        await self.send(type="ping")
        return bool(await self.until("pong"))

    @property
    def text(self) -> str:
        """What the events add up to; deltas must follow each other by 1."""
        text, seq = "", 0
        for event in self.seen:
            if event["type"] == "reply.snapshot":
                text, seq = event["text"], event["seq"]
            elif event["type"] == "reply.delta":
                assert event["seq"] == seq + 1, f"{event['seq']} after {seq}"
                text, seq = text + event["text"], event["seq"]
        return text

    @property
    def seq(self) -> int:
        """The last seq."""
        return max((event["seq"] for event in self.seen if event["type"] == "reply.delta"), default=0)


@asynccontextmanager
async def open_socket(site: Site, cookies: str | None = None, **more: Any) -> AsyncIterator[Socket]:
    """Open a socket with these cookies, or as a new guest."""
    if cookies is None:
        cookies = await new_guest(site)
    headers = {"Cookie": cookies} if cookies else {}
    options: dict[str, Any] = {
        "origin": site.url,
        "max_size": 2**22,
        "close_timeout": 1,
        **more,
    }
    async with websockets.connect(
        site.websocket_url, additional_headers=headers, proxy=None, **options
    ) as connection:
        yield Socket(connection)


async def new_guest(site: Site) -> str:
    """Return the cookies of a guest nobody knows."""
    return await asyncio.to_thread(guest_cookies, site.url)
