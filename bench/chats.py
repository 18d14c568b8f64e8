"""Many guests at once against one site: nothing lost, how long the first token takes, CPU a chat.

`python -m bench.chats --chats 50` starts an embedded site of its own on a paced engine.
"""

import argparse
import asyncio
import json
import re
import sqlite3
import statistics
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TypeVar

import websockets
from websockets.typing import Origin

from tests.site import Site

QUESTION = "How long do I have to return a coffee machine?"
TIMEOUT_S = 120.0


@dataclass
class Chat:
    """What one guest saw. Times in seconds since the question was sent."""

    deltas: list[str] = field(default_factory=list)
    message: str = ""
    sources_s: float | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    finish: dict[str, object] | None = None
    error: str = ""
    gaps: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the reply ended well and equals its deltas."""
        return bool(self.finish) and not self.gaps and self.finish["text"] == "".join(self.deltas)  # type: ignore[index]

    def take(self, event: dict[str, object], now_s: float) -> None:
        """Note an event that came so long after the question."""
        match event["type"]:
            case "turn.accepted":
                self.message = str(event["message"])
            case "reply.sources":
                self.sources_s = now_s
            case "reply.delta":
                self.first_token_s = self.first_token_s or now_s
                self.gaps += event["seq"] != len(self.deltas) + 1
                self.deltas.append(str(event["text"]))
            case "reply.finish":
                self.finish, self.total_s = event, now_s
            case "reply.error" | "error":
                self.error = str(event["code"])


AnyChat = TypeVar("AnyChat", bound=Chat)


def guest_cookies(url: str, assistant: str = "support") -> str:
    """Open an assistant's page as a new guest; return the Cookie header to go on with."""
    with urllib.request.urlopen(f"{url}/chat/{assistant}/") as page:
        jar = SimpleCookie()
        for header in page.headers.get_all("Set-Cookie") or []:
            jar.load(header)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())


async def ask(url: str, cookies: str, question: str = QUESTION, assistant: str = "support") -> Chat:
    """Ask once and read to the end."""
    return await listen(Chat(), url, cookies, question, assistant)


async def listen(
    chat: AnyChat, url: str, cookies: str, question: str = QUESTION, assistant: str = "support"
) -> AnyChat:
    """Ask once and let a chat take what comes, to the end."""
    address = re.sub("^http", "ws", url) + "/ws/chat/"
    try:
        async with websockets.connect(
            address,
            additional_headers={"Cookie": cookies},
            origin=Origin(url),
            max_size=2**22,
            open_timeout=TIMEOUT_S,
        ) as socket:
            frame = {"type": "turn.start", "assistant": assistant, "text": question}
            started = time.monotonic()
            await socket.send(json.dumps({**frame, "client_id": uuid.uuid4().hex}))
            async with asyncio.timeout(TIMEOUT_S):
                while not (chat.finish or chat.error):
                    chat.take(json.loads(await socket.recv()), time.monotonic() - started)
    except (OSError, TimeoutError, websockets.WebSocketException) as exc:
        chat.error = repr(exc)
    return chat


async def ask_together(url: str, count: int) -> list[Chat]:
    """Have `count` guests, each with a session of its own, ask at the same moment."""
    loop = asyncio.get_running_loop()
    cookies = [await loop.run_in_executor(None, guest_cookies, url) for _ in range(count)]
    return list(await asyncio.gather(*(ask(url, cookie) for cookie in cookies)))


def lost_texts(database: Path, chats: list[Chat]) -> int:
    """Count replies whose stored text differs from the deltas received."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = dict(connection.execute("SELECT id, text FROM chat_message WHERE role = 'assistant'"))
    return sum(rows.get(chat.message.replace("-", "")) != "".join(chat.deltas) for chat in chats)


def percentile(values: list[float], share: float) -> float | None:
    """Return the value that a share (0–1) of the values do not exceed; None without values."""
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 3) if values else None


def summary(chats: list[Chat], cpu_s: float, wall_s: float) -> dict[str, object]:
    """Put the figures together."""
    first = [chat.first_token_s for chat in chats if chat.first_token_s is not None]
    sources = [chat.sources_s for chat in chats if chat.sources_s is not None]
    tokens = [len("".join(chat.deltas).split()) for chat in chats]
    return {
        "chats": len(chats),
        "whole": sum(chat.is_whole for chat in chats),
        "errors": sorted({chat.error for chat in chats if chat.error}),
        "words_per_chat": statistics.median(tokens) if tokens else 0,
        "sources_s": {"p50": percentile(sources, 0.5), "p95": percentile(sources, 0.95)},
        "first_token_s": {"p50": percentile(first, 0.5), "p95": percentile(first, 0.95)},
        "cpu_ms_per_chat": round(1000 * cpu_s / max(1, len(chats)), 1),
        "wall_s": round(wall_s, 1),
    }


def main() -> None:
    """Run the benchmark on a site of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--tokens-per-s", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        print(json.dumps(_measure(Path(folder), options.chats, options.tokens, options.tokens_per_s)))


def _measure(folder: Path, chats: int, tokens: int, tokens_per_s: float) -> dict[str, object]:
    site = Site(
        folder,
        ENGINE="paced",
        PACED_TOKENS=str(tokens),
        PACED_TOKENS_PER_S=str(tokens_per_s),
        RATE_LIMITS="off",
    )
    site.manage("prepare", "--demo")
    site.start()
    try:
        assert site.process is not None
        asyncio.run(ask_together(site.url, 2))  # everything is loaded now
        cpu, started = site.process.cpu_s(), time.monotonic()
        asked = asyncio.run(ask_together(site.url, chats))
        figures = summary(asked, site.process.cpu_s() - cpu, time.monotonic() - started)
        figures["stored_text_differs"] = lost_texts(folder / "site.sqlite3", asked)
        figures["rss_mb"] = site.process.rss_mb()
    finally:
        site.stop()
    return figures


if __name__ == "__main__":
    main()
