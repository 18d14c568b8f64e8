"""How long a token takes from the engine to the frame in the browser: `python -m bench.frames`.

The engine is a server on this machine whose tokens are the moments it sends them at, so that every
frame tells its own age. What is measured is the whole way: HTTP client, engine, writer, event log,
follower, WebSocket, this script's own reading included. Embedded, then scaled out (Redis, PostgreSQL).
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.chats import Chat, guest_cookies, listen, percentile
from bench.upstream import MOMENT, clock_server
from tests.compose import ScaledOut
from tests.site import Site


@dataclass
class AgedChat(Chat):
    """A chat that notes how old each token is when its frame comes."""

    ages_s: list[float] = field(default_factory=list)
    text: str = ""

    def take(self, event: dict[str, object], now_s: float) -> None:
        """Read the moments that are complete now."""
        now = time.monotonic()
        super().take(event, now_s)
        if event["type"] != "reply.delta":
            return
        seen = len(self.ages_s)
        self.text += str(event["text"])
        self.ages_s += [now - float(moment) for moment in MOMENT.findall(self.text)[seen:]]


async def ask_together(url: str, count: int) -> list[AgedChat]:
    """Have `count` guests ask, spread over half a second so that their tokens do not come at once."""

    async def one(place: int) -> AgedChat:
        await asyncio.sleep(0.5 * place / count)
        return await listen(AgedChat(), url, cookies[place])

    cookies = await asyncio.gather(*(asyncio.to_thread(guest_cookies, url) for _ in range(count)))
    return await asyncio.gather(*(one(place) for place in range(count)))


def summary(chats: list[AgedChat]) -> dict[str, object]:
    """Turn chats into the figures printed, in milliseconds."""
    errors = sorted({chat.error for chat in chats if chat.error})
    firsts = [1000 * chat.ages_s[0] for chat in chats if chat.ages_s]
    ages = [1000 * age for chat in chats for age in chat.ages_s]
    return {
        "streams": len(chats),
        "whole": sum(chat.is_whole for chat in chats),
        "errors": errors,
        "tokens": len(ages),
        "frames": sum(len(chat.deltas) for chat in chats),
        "first_token_ms_p50": round(statistics.median(firsts), 1) if firsts else None,
        "token_ms": {"p50": percentile(ages, 0.5), "p95": percentile(ages, 0.95)},
    }


def measure(url: str, streams: list[int]) -> list[dict[str, object]]:
    """Ask once for everything to be loaded, then with so many streams."""
    asyncio.run(ask_together(url, 2))
    figures = []
    for count in streams:
        rounds = max(1, 8 // count)  # enough first tokens for a median
        figures.append(
            summary([chat for _ in range(rounds) for chat in asyncio.run(ask_together(url, count))])
        )
        figures[-1]["streams"] = count
    return figures


def embedded(variables: dict[str, str], streams: list[int]) -> list[dict[str, object]]:
    """Measure one process with everything in it."""
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        site = Site(Path(folder), **variables)
        site.manage("prepare", "--demo")
        site.start()
        try:
            return measure(site.url, streams)
        finally:
            site.stop()


def scaled_out(variables: dict[str, str], streams: list[int]) -> list[dict[str, object]]:
    """Measure the services of docker-compose.yml."""
    site = ScaledOut(**variables)
    try:
        site.start()
        site.finish("seed", site.manage("seed"))
        return measure(site.url, streams)
    finally:
        site.stop()


def main() -> None:
    """Measure both set-ups, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--tokens-per-s", type=float, default=20)
    parser.add_argument("--streams", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--only", choices=["embedded", "scaled-out"])
    options = parser.parse_args()
    figures: dict[str, object] = {"load_average_before": round(os.getloadavg()[0], 1)}
    with clock_server(options.tokens, options.tokens_per_s) as variables:
        for name, set_up in {"embedded": embedded, "scaled-out": scaled_out}.items():
            if options.only in {None, name}:
                figures[name] = set_up(variables, options.streams)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
