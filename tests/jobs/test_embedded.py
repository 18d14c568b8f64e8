"""The embedded site as a process: killed, ended, started again, in the middle of replies."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable

import httpx
import pytest
import websockets

from tests.chat.sockets import Socket, new_guest, open_socket
from tests.site import Site, wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("embedded")]

QUESTION = "How long do I have to return a coffee machine, and who pays for the parcel?"


@pytest.fixture(scope="module")
def mortal_site(start_site: Callable[..., Site]) -> Site:
    """A site whose replies take 8 seconds."""
    return start_site(ENGINE="paced", PACED_TOKENS="240", PACED_TOKENS_PER_S="30", RATE_LIMITS="off")


@pytest.fixture
def running(mortal_site: Site) -> Site:
    """The site, running and warm."""
    if not (mortal_site.process and mortal_site.process.is_running()):
        mortal_site.start()
    wait_until(lambda: is_ready(mortal_site), "the site to be ready")
    return mortal_site


def is_ready(site: Site) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{site.url}/readyz").status_code == 200
    return False


def row(site: Site, message: str) -> tuple[str, str, int]:
    """Return status, text and attempt of a reply."""
    with contextlib.closing(
        sqlite3.connect(f"file:{site.data_dir / 'site.sqlite3'}?mode=ro", uri=True)
    ) as database:
        [found] = database.execute(
            "SELECT status, text, attempt FROM chat_message WHERE id = ?", [message.replace("-", "")]
        )
    return found  # type: ignore[no-any-return]


async def ask_and_lose(site: Site, cookies: str, end: Callable[[], None], deltas: int) -> tuple[Socket, str]:
    """Ask, read some deltas, end the site; return what was read and the reply's id."""
    async with open_socket(site, cookies) as socket:
        accepted = await socket.start(QUESTION)
        for _ in range(deltas):
            await socket.until("reply.delta")
        await asyncio.to_thread(end)
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await socket.next()
    return socket, accepted["message"]


async def resume(site: Site, cookies: str, seen: Socket, message: str) -> Socket:
    """Go on where a lost socket stopped; return all that was read."""
    async with open_socket(site, cookies) as socket:
        socket.seen = seen.seen
        await socket.send(type="turn.resume", message=message, after=seen.seq)
        await socket.end(timeout_s=60)
        return socket


def snapshots_after(socket: Socket, seen: int) -> list[str]:
    return [event["text"] for event in socket.seen[seen:] if event["type"] == "reply.snapshot"]


def test_killed_site_goes_on_by_itself_and_a_reader_who_comes_back_sees_the_right_text(running: Site) -> None:
    cookies = asyncio.run(new_guest(running))
    seen, message = asyncio.run(ask_and_lose(running, cookies, running.kill, deltas=90))
    waiting, read, heard = row(running, message), seen.text, len(seen.seen)

    running.start()
    wait_until(lambda: row(running, message)[2] == 2, "the second attempt to begin")
    time.sleep(1.5)  # beyond the place where the reader was
    after = asyncio.run(resume(running, cookies, seen, message))

    finish = after.seen[-1]
    assert waiting[0] == "pending"
    assert finish["type"] == "reply.finish"
    assert after.text == finish["text"] == row(running, message)[1]
    assert after.text.startswith(read)
    assert all(text.startswith(waiting[1]) and waiting[1] for text in snapshots_after(after, heard))


def test_site_that_is_asked_to_end_says_goodbye_and_goes_on_after_its_start(running: Site) -> None:
    assert running.process is not None
    cookies = asyncio.run(new_guest(running))
    process = running.process
    closed: list[int] = []

    async def lose() -> tuple[Socket, str]:
        async with open_socket(running, cookies) as socket, open_socket(running, cookies) as idle:
            accepted = await socket.start(QUESTION)
            for _ in range(10):
                await socket.until("reply.delta")
            process._child.terminate()
            for one in (socket, idle):
                with pytest.raises(websockets.ConnectionClosed) as end:
                    while True:
                        await one.next()
                closed.append(end.value.rcvd.code if end.value.rcvd else 1006)
        return socket, accepted["message"]

    seen, message = asyncio.run(lose())
    began = time.monotonic()
    status = process.stop(timeout_s=11)
    took_s = time.monotonic() - began
    waiting, read, heard = row(running, message), seen.text, len(seen.seen)
    running.start()
    after = asyncio.run(resume(running, cookies, seen, message))

    assert closed == [1012, 1012]
    assert status == 0
    assert took_s < 10
    assert waiting[0] == "pending"
    assert waiting[1].startswith(read)  # what was shown was saved on the way out
    assert after.text.startswith(read)
    assert all(text.startswith(waiting[1]) for text in snapshots_after(after, heard))
    assert after.text == after.seen[-1]["text"] == row(running, message)[1]
