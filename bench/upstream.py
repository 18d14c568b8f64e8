"""An OpenAI-compatible server whose tokens are the moments at which it sends them."""

import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from tests.site import answers, free_port, wait_until

MODEL = "clock"
MOMENT = re.compile(r"\d+\.\d{6}")  # seconds of the clock that all processes of a machine share

READING_S = 0.5  # between the question and the first token, as a model that reads its prompt


class Clock(BaseHTTPRequestHandler):
    """Writes `tokens` moments at `tokens_per_s` for whatever it is asked."""

    protocol_version = "HTTP/1.1"
    tokens: ClassVar = 60
    tokens_per_s: ClassVar = 20.0

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
        self._begin("application/json", {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._begin("text/event-stream", {"Transfer-Encoding": "chunked"})
        began = time.monotonic() + READING_S
        for number in range(self.tokens):
            time.sleep(max(0.0, began + number / self.tokens_per_s - time.monotonic()))
            self._say({"content": f" {time.monotonic():.6f}"}, None)
        self._say({}, "stop")
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _begin(self, kind: str, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _say(self, delta: dict[str, str], reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        whole = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
        self._chunk(b"data: " + json.dumps({**whole, "choices": [choice]}).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


class Server(ThreadingHTTPServer):
    """Sends each token at once."""

    daemon_threads = True
    request_queue_size = 64
    disable_nagle_algorithm = True


def serve(port: int, tokens: int, tokens_per_s: float) -> None:
    """Serve for ever."""
    Clock.tokens, Clock.tokens_per_s = tokens, tokens_per_s
    Server(("127.0.0.1", port), Clock).serve_forever()


@contextmanager
def clock_server(tokens: int, tokens_per_s: float) -> Iterator[dict[str, str]]:
    """Run one in a process of its own; yield the variables with which a site answers by it."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(port, tokens, tokens_per_s))
    process.start()
    url = f"http://127.0.0.1:{port}/v1"
    try:
        wait_until(lambda: answers(f"{url}/models"), url)
        yield {
            "ENGINE": "openai",
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "none",
            "OPENAI_MODEL": MODEL,
            "OPENAI_SLOTS": "32",
            "RATE_LIMITS": "off",
        }
    finally:
        process.terminate()
        process.join()
