"""HTTP to one server, on an event loop in a thread of its own, so that a call can be given up at any moment.

A blocking read cannot be interrupted from outside; a task can be cancelled, which closes its socket.
"""

import asyncio
import ipaddress
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from inference.engines.remote.call import Call
from inference.engines.remote.failures import Dropped, Stopped, UpstreamFailure
from inference.engines.remote.fields import parse
from inference.errors import EngineTimeout, EngineUnavailable, NotAuthorised
from inference.types import ShouldStop, never_stop

if TYPE_CHECKING:
    import httpx

CONNECT_S: Final = 3.0
WRITE_S: Final = 30.0
POOL_S: Final = 5.0
POLL_S: Final = 0.05
MAX_CONNECTIONS: Final = 100


class Connection:
    """One server: address, key, connection pool. Thread-safe."""

    def __init__(self, url: str, *, key: str = "") -> None:
        """Take user:password@ out of the URL, where error texts and logs would show it.

        Raises: EngineUnavailable where it is no address, NotAuthorised where the key cannot be sent.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as exc:
            raise EngineUnavailable(f"no address of a server: {exc}") from exc
        host = parts.hostname or ""
        netloc = f"[{host}]" if ":" in host else host
        self._root = f"{parts.scheme}://{netloc}" + (f":{port}" if port else "")
        self.url = self._root + parts.path.rstrip("/")
        self._is_local = _is_loopback(host)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._key = key.strip()
        if not all("!" <= character <= "~" for character in self._key):
            raise NotAuthorised("the key holds characters that no header can carry")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None

    def start(self, method: str, path: str, body: object = None, *, at_root: bool = False) -> Call:
        """Send a request; its answer is read from the call. path begins with a slash.

        at_root: the path is on the host, not under the URL's own path.
        """
        with self._lock:
            if self._loop is None or self._client is None:
                self._loop, self._client = _start_loop(), self._new_client()
            url = (self._root if at_root else self.url) + path
            request = self._client.build_request(method, url, json=body)
            return Call(self._loop, self._client, request, self.hide)

    def fetch(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        timeout_s: float,
        at_root: bool = False,
        should_stop: ShouldStop = never_stop,
    ) -> object:
        """Send a request and parse its whole answer. Raises: UpstreamFailure, Stopped.

        A connection that was kept may have been closed by the server meanwhile: then it is sent again.
        """
        until = time.monotonic() + timeout_s
        try:
            text = _whole(self.start(method, path, body, at_root=at_root), until, should_stop)
        except Dropped:
            text = _whole(self.start(method, path, body, at_root=at_root), until, should_stop)
        try:
            return parse(text) if text.strip() else None
        except ValueError as exc:
            raise UpstreamFailure(EngineUnavailable(f"{path}: the answer is not JSON")) from exc

    def hide(self, text: str) -> str:
        """Take our secrets out of a text that is going to a log or an exception."""
        for secret in (self._key, self._login[1] if self._login else ""):
            if secret:
                text = text.replace(secret, "[key]")
        return text

    def close(self) -> None:
        """Close every connection and end the thread; the next call starts them again."""
        with self._lock:
            loop, client = self._loop, self._client
            self._loop = self._client = None
        if loop is not None and client is not None:
            asyncio.run_coroutine_threadsafe(_end(client), loop).result(timeout=5)
            loop.call_soon_threadsafe(loop.stop)

    def _new_client(self) -> "httpx.AsyncClient":
        import httpx

        headers = {"accept-encoding": "identity"}  # a compressed stream comes in lumps
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        return httpx.AsyncClient(
            auth=self._login if not self._key else None,
            headers=headers,
            timeout=httpx.Timeout(None, connect=CONNECT_S, write=WRITE_S, pool=POOL_S),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8),
            follow_redirects=False,  # the key is for this server alone
            trust_env=not self._is_local,  # a proxy of the network does not lead to this machine
            verify=self.url.startswith("https:"),  # loading certificates takes time
        )


def _whole(call: Call, until: float, should_stop: ShouldStop) -> str:
    lines: list[str] = []
    try:
        while not call.is_ended:
            if should_stop():
                raise Stopped
            if time.monotonic() > until:
                raise UpstreamFailure(EngineTimeout("no answer in time"))
            line, _at = call.take(POLL_S)
            if line is not None:
                lines.append(line)
    finally:
        call.close()
    return "\n".join(lines)


def _start_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()

    def run() -> None:
        loop.run_forever()
        loop.close()

    threading.Thread(target=run, name="remote-engine", daemon=True).start()
    return loop


async def _end(client: "httpx.AsyncClient") -> None:
    running = asyncio.all_tasks() - {asyncio.current_task()}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await client.aclose()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
