"""An HTTP server in a thread whose answers are written byte by byte, and may go wrong anywhere."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, object]


class Exchange:
    """The server's side of one request."""

    def __init__(self, handler: BaseHTTPRequestHandler, seen: Seen, server: "WireServer") -> None:
        self._handler = handler
        self._server = server
        self.seen = seen
        self.body = seen.body

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """Send the head of an answer in chunks. Header names are written with underscores."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def write(self, text: str) -> None:
        data = text.encode()
        self._handler.wfile.write(f"{len(data):X}\r\n".encode() + data + b"\r\n")
        self._handler.wfile.flush()

    def end(self) -> None:
        """End the answer properly, as far as HTTP goes."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def whole(self, status: int, value: object, **headers: str) -> None:
        """Send a whole answer: JSON, or a text as it is."""
        self.head(status, "text/html" if isinstance(value, str) else "application/json", **headers)
        self.write(value if isinstance(value, str) else json.dumps(value))
        self.end()

    def hang_up(self) -> None:
        """Close the connection in the middle of the answer."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Close the connection with an RST."""
        self._handler.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.wfile.close()
        self._handler.rfile.close()
        self._handler.connection.close()

    def wait(self, timeout_s: float = 20.0) -> bool:
        """Wait until the client hangs up, which the server takes note of; False where it does not."""
        connection = self._handler.connection
        connection.settimeout(timeout_s)
        try:
            gone = bool(connection.recv(1) == b"")
        except TimeoutError:
            return False
        except OSError:
            gone = True
        if gone:
            self._handler.close_connection = True
            self._server.hung_up.set()
        return gone

    def hold(self) -> None:
        """Answer nothing until the client hangs up."""
        self.wait()


Answer = Callable[[Exchange], None]


@dataclass
class WireServer:
    """A server under test's control: `answers` are used up one by one, then `answer` stands.

    requests: to everything but what `listing` answers (GET, and Ollama's question about a model).
    """

    answer: Answer
    listing: Answer
    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    listings: list[Seen] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def respond(self, exchange: Exchange) -> None:
        if exchange.seen.method == "GET" or exchange.seen.path == "/api/show":
            self.listings.append(exchange.seen)
            self.listing(exchange)
            return
        self.requests.append(exchange.seen)
        answer = self.answers.pop(0) if self.answers else self.answer
        answer(exchange)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: WireServer

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(sent) if sent else {}
        try:
            self.wire.respond(Exchange(self, Seen(self.command, self.path, headers, body), self.wire))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.wire.hung_up.set()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that the test broke is no news."""

    def shutdown_request(self, request: object) -> None:
        try:
            super().shutdown_request(request)  # type: ignore[arg-type]
        except OSError:
            return


@contextmanager
def serving(wire: WireServer) -> Iterator[WireServer]:
    """Serve on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"wire": wire}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(is_so: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.005)
    return is_so()
