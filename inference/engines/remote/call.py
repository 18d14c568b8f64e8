"""One HTTP request: sent and read by a task, handed over line by line to the thread that asked."""

import asyncio
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from inference.engines.remote.failures import Dropped, UpstreamFailure
from inference.engines.remote.refusals import refusal
from inference.errors import EngineTimeout, EngineUnavailable

if TYPE_CHECKING:
    import httpx

REFUSAL_S: Final = 5.0  # for the body of an error
MAX_REFUSAL_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 1024 * 1024

Arrival = tuple[float, str | UpstreamFailure | None]  # when, and a line; None is the proper end


class Call:
    """One request under way. Read by one thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: "httpx.AsyncClient",
        request: "httpx.Request",
        hide: Callable[[str], str],
    ) -> None:
        self.is_ended = False
        self._arrived: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._hide = hide
        self._task: Future[None] = asyncio.run_coroutine_threadsafe(self._read(client, request), loop)

    def take(self, timeout_s: float) -> tuple[str | None, float]:
        """Wait for the next line; None where none came, or where the answer has ended (`is_ended`).

        The second value is when it arrived, on the monotonic clock. Raises: UpstreamFailure.
        """
        try:
            at, arrived = self._arrived.get(timeout=timeout_s)
        except queue.Empty:
            return None, time.monotonic()
        if isinstance(arrived, UpstreamFailure):
            self.is_ended = True
            raise arrived
        self.is_ended = arrived is None
        return arrived, at

    def drain(self, timeout_s: float) -> None:
        """Wait a moment for the proper end, after which the connection can be used again."""
        until = time.monotonic() + timeout_s
        while not self.is_ended and (left_s := until - time.monotonic()) > 0:
            try:
                self.take(left_s)
            except UpstreamFailure:
                return

    def close(self) -> None:
        """Give the call up; its connection is closed where the answer was not read to the end."""
        self._task.cancel()

    async def _read(self, client: "httpx.AsyncClient", request: "httpx.Request") -> None:
        import httpx

        try:
            response = await client.send(request, stream=True)
            try:
                if response.status_code >= 300:
                    self._put(await self._refusal(response))
                else:
                    await self._lines(response)
                    self._put(None)
            finally:
                await response.aclose()
        except asyncio.CancelledError:
            # heard only by those who did not give up themselves
            self._put(UpstreamFailure(EngineUnavailable("the engine was closed")))
            raise
        except httpx.HTTPError as exc:
            self._put(_failure(exc, str(request.url.copy_with(path="/", query=None)), self._hide))
        except Exception as exc:  # noqa: BLE001 - raised again in the reading thread
            self._put(UpstreamFailure(EngineUnavailable(self._hide(f"{type(exc).__name__}: {exc}"))))

    async def _lines(self, response: "httpx.Response") -> None:
        """Split at line feeds alone: JSON may hold U+2028 and other ends of lines as they are."""
        held = b""
        async for piece in response.aiter_bytes():
            *lines, held = (held + piece).split(b"\n")
            for line in lines:
                self._put_line(line)
            if len(held) > MAX_LINE_BYTES:
                raise ValueError("a line of more than a megabyte")
        if held:
            self._put_line(held)

    async def _refusal(self, response: "httpx.Response") -> UpstreamFailure:
        body = b""
        try:
            async with asyncio.timeout(REFUSAL_S):
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_REFUSAL_BYTES:
                        break
        except TimeoutError:
            pass  # what has come is enough to say what is wrong
        text = self._hide(body[:MAX_REFUSAL_BYTES].decode("utf-8", "replace"))
        return refusal(response.status_code, text, response.headers)

    def _put_line(self, line: bytes) -> None:
        self._put(self._hide(line.decode("utf-8", "replace").removesuffix("\r")))

    def _put(self, arrived: str | UpstreamFailure | None) -> None:
        self._arrived.put((time.monotonic(), arrived))


def _failure(exc: "httpx.HTTPError", server: str, hide: Callable[[str], str]) -> UpstreamFailure:
    import httpx

    what = hide(f"{type(exc).__name__}: {exc}".removesuffix(": "))
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return UpstreamFailure(EngineUnavailable(f"cannot reach {server}: {what}"), retries=1, is_down=True)
    if isinstance(exc, httpx.PoolTimeout | httpx.WriteTimeout):
        return UpstreamFailure(EngineTimeout(what), retries=1)
    return Dropped(f"the connection to {server} broke: {what}")
