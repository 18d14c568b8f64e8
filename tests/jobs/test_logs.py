"""Event logs: both kinds keep the same promises."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from uuid import uuid4

import pytest
import redis

from jobs.event_log import EventLog
from jobs.memory_log import MemoryLog
from jobs.redis_log import RedisLog


@pytest.fixture(scope="module")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Redis of our own on a Unix socket."""
    if which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as process:
        client = redis.Redis(unix_socket_path=str(path))
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                threading.Event().wait(0.05)
        yield path
        client.close()
        process.terminate()


@pytest.fixture(params=["memory", "redis"])
def log(request: pytest.FixtureRequest) -> EventLog:
    """Each kind of log."""
    if request.param == "memory":
        return MemoryLog()
    return RedisLog(f"unix://{request.getfixturevalue('redis_socket')}")


async def test_follow_yields_what_was_and_what_comes_until_the_log_is_closed(log: EventLog) -> None:
    key = uuid4().hex
    log.append(key, 1, [{"type": "a"}])
    seen: list[object] = []

    async def read() -> None:
        seen.extend([(entry.index, entry.event["type"]) async for entry in log.follow(key)])

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    await asyncio.to_thread(log.append, key, 1, [{"type": "b"}, {"type": "c"}])
    await asyncio.to_thread(log.close, key)
    await asyncio.wait_for(reader, 10)

    assert seen == [(1, "a"), (2, "b"), (3, "c")]


async def test_follow_starts_after_the_index_asked_for(log: EventLog) -> None:
    key = uuid4().hex
    log.append(key, 1, [{"type": str(n)} for n in range(5)])
    log.close(key)

    assert [entry.index async for entry in log.follow(key, after=3)] == [4, 5]


async def test_followers_that_begin_before_the_first_entry_miss_nothing(log: EventLog) -> None:
    key = uuid4().hex

    async def read() -> list[int]:
        return [entry.index async for entry in log.follow(key)]

    readers = [asyncio.create_task(read()) for _ in range(5)]
    await asyncio.sleep(0.05)
    for n in range(300):
        await asyncio.to_thread(log.append, key, 1, [{"type": "delta", "seq": n}])
    await asyncio.to_thread(log.close, key)

    for reader in readers:
        assert await asyncio.wait_for(reader, 20) == list(range(1, 301))


def test_replay_returns_what_follows_an_index(log: EventLog) -> None:
    key = uuid4().hex
    log.append(key, 1, [{"type": "a"}, {"type": "b"}])

    assert [entry.event["type"] for entry in log.replay(key, after=1)] == ["b"]
    assert log.replay(uuid4().hex) == []


def test_a_zombie_of_an_earlier_attempt_is_shut_out(log: EventLog) -> None:
    key = uuid4().hex
    assert log.append(key, 1, [{"type": "a"}])
    assert log.append(key, 2, [{"type": "b"}])

    assert not log.append(key, 1, [{"type": "zombie"}])

    assert [(e.index, e.event["type"]) for e in log.replay(key)] == [(1, "a"), (2, "b")]
