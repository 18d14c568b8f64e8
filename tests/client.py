"""A person on a running site, without a browser: signs in, uploads and asks over the real protocols."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Event = dict[str, Any]


@dataclass
class Reply:
    """One reply as a reader sees it: events in order, and the text they add up to."""

    message: str = ""
    conversation: str = ""
    text: str = ""
    seq: int = 0
    events: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Apply an event. Raises: AssertionError when a delta is missing or comes twice."""
        self.events.append(event)
        if event["type"] == "turn.accepted":
            self.message, self.conversation = event["message"], event["conversation"]
        elif event["type"] == "reply.delta":
            assert event["seq"] == self.seq + 1, f"delta {event['seq']} after {self.seq}"
            self.seq, self.text = event["seq"], self.text + event["text"]
        elif event["type"] == "reply.snapshot":
            self.seq, self.text = event["seq"], event["text"]

    @property
    def deltas(self) -> int:
        """How many pieces have come."""
        return sum(event["type"] == "reply.delta" for event in self.events)

    def last(self, kind: str) -> Event:
        """Return the last event of a type."""
        return next(event for event in reversed(self.events) if event["type"] == kind)


class Person:
    """A visitor of the site at `url`; a guest until `sign_in`."""

    def __init__(self, url: str) -> None:
        """Name the site."""
        self.url = url
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
        self._socket: ClientConnection | None = None
        self._opened = ExitStack()

    def sign_in(self, username: str, password: str) -> None:
        """Sign in through the form."""
        self.http.get("/accounts/login/")
        answer = self.post("/accounts/login/", {"username": username, "password": password})
        assert "sessionid" in self.http.cookies, answer.text[:2000]

    def post(self, path: str, fields: dict[str, str], **more: Any) -> httpx.Response:
        """Post a form as a browser does."""
        token = self.http.cookies["csrftoken"]
        headers = {"Referer": self.url, "Origin": self.url, **more.pop("headers", {})}
        answer = self.http.post(path, data={**fields, "csrfmiddlewaretoken": token}, headers=headers, **more)
        answer.raise_for_status()
        return answer

    def upload(self, collection: str, name: str, content: bytes) -> str:
        """Upload one file and return the document's id."""
        self.http.get("/knowledge/")
        answer = self.post(
            "/knowledge/upload/",
            {"collection": collection},
            files={"files": (name, content)},
            headers={"Accept": "application/json"},
        )
        [outcome] = answer.json()["files"]
        assert outcome["error"] is None, outcome
        return str(outcome["document"])

    def ask(self, assistant: str, text: str) -> Reply:
        """Send a question; read on with `read`."""
        self._open()
        self.send(type="turn.start", assistant=assistant, text=text, client_id=str(uuid.uuid4()))
        return Reply()

    def answer(self, assistant: str, text: str) -> Reply:
        """Ask and read to the end."""
        reply = self.ask(assistant, text)
        for _event in self.read(reply):
            pass
        return reply

    def read(self, reply: Reply, timeout_s: float = 60.0) -> Iterator[Event]:
        """Yield a reply's events to its last; a socket that the site closes is opened again and resumed."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                event = json.loads(self._receive(deadline))
            except ConnectionClosed:
                self._open()
                self.send(type="turn.resume", message=reply.message, after=reply.seq)
                continue
            reply.take(event)
            yield event
            if event["type"] in {"reply.finish", "reply.error", "error"}:
                return
        raise TimeoutError(f"no end after {timeout_s:g} s; the last events: {reply.events[-5:]}")

    def replay(self, message: str) -> Reply:
        """Read a reply again from its start on a new socket."""
        self._open()
        reply = Reply(message=message)
        self.send(type="turn.resume", message=message, after=0)
        for _event in self.read(reply):
            pass
        return reply

    def send(self, **frame: Any) -> None:
        """Send one frame."""
        assert self._socket
        self._socket.send(json.dumps(frame))

    def close(self) -> None:
        """Close what is open."""
        self._opened.close()
        self.http.close()

    def _open(self) -> None:
        self._opened.close()
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)
        headers = {"Cookie": cookies, "Origin": self.url}
        address = self.url.replace("http", "ws", 1) + "/ws/chat/"
        self._socket = self._opened.enter_context(connect(address, additional_headers=headers, proxy=None))

    def _receive(self, deadline: float) -> str:
        assert self._socket
        return str(self._socket.recv(timeout=max(0.1, deadline - time.monotonic())))
