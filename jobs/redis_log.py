"""The event log as a Redis Stream, for a site of several processes.

Entry ids are `{attempt}-{index}`: Redis refuses an id that is not above the newest, which shuts out the
writer of an earlier attempt. One tailer a process waits on every followed stream; followers then read for
themselves, so that a slow reader costs no memory here.
"""

import asyncio
import contextlib
import json
import logging
import threading
import uuid
import weakref
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import redis
import redis.asyncio

from jobs.errors import LogUnavailable
from jobs.event_log import KEEP_S, MAX_ENTRIES, Entry, Event

logger = logging.getLogger(__name__)

_END = {"type": "_end"}
_BLOCK_MS = 5_000
_TIMEOUT_S = 10.0
_PAGE = 200

_Rows = list[tuple[bytes, dict[bytes, bytes]]]  # what redis-py returns for a stream


class RedisLog:
    """Logs by key, one stream each."""

    def __init__(self, url: str) -> None:
        """Connect on first use."""
        self._url = url
        self._redis = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=3)
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()
        self._tailers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Tailer] = (
            weakref.WeakKeyDictionary()
        )

    def append(self, key: str, attempt: int, events: list[Event]) -> bool:
        """Add events; False when a later attempt has written. Raises: LogUnavailable."""
        name = _stream(key)
        with self._lock:
            last = self._last.get(f"{key}#{attempt}")
        if last is None:
            newest = self._newest(name)
            last = newest[1] if newest else 0
        pipe = self._redis.pipeline(transaction=False)
        for offset, event in enumerate(events, start=1):
            entry_id = f"{attempt}-{last + offset}"
            pipe.xadd(name, {"e": json.dumps(event)}, id=entry_id, maxlen=MAX_ENTRIES, approximate=True)
        pipe.expire(name, KEEP_S)
        try:
            pipe.execute()
        except redis.ResponseError as exc:
            if "equal or smaller" in str(exc):
                return False
            raise LogUnavailable(str(exc)) from exc
        except redis.RedisError as exc:
            raise LogUnavailable(str(exc)) from exc
        with self._lock:
            self._last[f"{key}#{attempt}"] = last + len(events)
        return True

    def replay(self, key: str, after: int = 0) -> list[Entry]:
        """Return the entries after an index. Raises: LogUnavailable."""
        try:
            rows = cast("_Rows", self._redis.xrange(_stream(key)))
        except redis.RedisError as exc:
            raise LogUnavailable(str(exc)) from exc
        entries = [_entry(*row) for row in rows]
        return [e for e in entries if e.index > after and e.event != _END]

    def close(self, key: str) -> None:
        """Mark the end. Raises: LogUnavailable."""
        newest = self._newest(_stream(key))
        attempt = newest[0] if newest else 1
        self.append(key, attempt, [_END])
        with self._lock:
            for name in [name for name in self._last if name.startswith(f"{key}#")]:
                del self._last[name]

    async def follow(self, key: str, after: int = 0) -> AsyncGenerator[Entry, None]:
        """Yield entries after an index until the log is closed; waits through a Redis that is away."""
        tailer = self._tailer()
        last_id = "-"
        async with tailer.watch(_stream(key)) as news:
            while True:
                news.clear()
                rows = await tailer.read(_stream(key), last_id)
                for raw_id, fields in rows:
                    last_id = "(" + raw_id.decode()
                    entry = _entry(raw_id, fields)
                    if entry.event == _END:
                        return
                    if entry.index > after:
                        yield entry
                if len(rows) < _PAGE:
                    await news.wait()

    def ping(self) -> bool:
        """Ask Redis."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def _newest(self, name: str) -> tuple[int, int] | None:
        """Return attempt and index of the newest entry."""
        try:
            rows = cast("_Rows", self._redis.xrevrange(name, count=1))
        except redis.RedisError as exc:
            raise LogUnavailable(str(exc)) from exc
        if not rows:
            return None
        attempt, index = rows[0][0].split(b"-")
        return int(attempt), int(index)

    def _tailer(self) -> "_Tailer":
        loop = asyncio.get_running_loop()
        if loop not in self._tailers:
            self._tailers[loop] = _Tailer(self._url)
        return self._tailers[loop]


class _Tailer:
    """Waits on all followed streams of one event loop with one connection."""

    def __init__(self, url: str) -> None:
        timeout = _BLOCK_MS / 1000 + _TIMEOUT_S
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=3)
        self._wake_stream = f"wake:{uuid.uuid4().hex}"
        self._watched: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[str, bytes | str] = {}
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watch(self, name: str) -> AsyncIterator[asyncio.Event]:
        """Have the event set whenever the stream gets an entry."""
        news = asyncio.Event()
        self._watched[name].add(news)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        else:
            await self._interrupt()
        try:
            yield news
        finally:
            self._watched[name].discard(news)
            if not self._watched[name]:
                del self._watched[name]
                self._seen.pop(name, None)
            if not self._watched:
                await self._rest()

    async def read(self, name: str, last_id: str) -> _Rows:
        """Return up to a page of entries after an id; nothing while Redis is away."""
        try:
            return cast("_Rows", await self._redis.xrange(name, min=last_id, count=_PAGE))
        except redis.RedisError as exc:
            logger.warning("event log not readable, trying again: %s", exc)
            await asyncio.sleep(0.5)
            for news in self._watched[name]:
                news.set()
            return []

    async def _rest(self) -> None:
        """Let go of the connections until somebody follows again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if not self._watched:  # nobody came in the meantime
            await self._redis.aclose()

    async def _interrupt(self) -> None:
        with contextlib.suppress(redis.RedisError):  # the wait ends by itself within _BLOCK_MS
            await self._redis.xadd(self._wake_stream, {"w": 1}, maxlen=1)
            await self._redis.expire(self._wake_stream, KEEP_S)

    async def _run(self) -> None:
        while self._watched:
            try:
                await self._wait_once()
            except redis.RedisError as exc:
                logger.warning("event log away, trying again: %s", exc)
                await asyncio.sleep(0.5)
                self._seen.clear()
                self._notify(list(self._watched))

    async def _wait_once(self) -> None:
        new = [name for name in self._watched if name not in self._seen]
        for name in new:
            newest = cast("_Rows", await self._redis.xrevrange(name, count=1))
            self._seen[name] = newest[0][0] if newest else "0-0"
        self._notify(new)  # what came before the wait began
        self._seen.setdefault(self._wake_stream, "$")
        names = [name for name in self._watched if name in self._seen] + [self._wake_stream]
        found = await self._redis.xread(
            {name: self._seen[name] for name in names}, block=_BLOCK_MS, count=_PAGE
        )
        for raw_name, rows in cast("list[tuple[bytes, _Rows]]", found or []):
            name = raw_name.decode()
            self._seen[name] = rows[-1][0]
            self._notify([name])

    def _notify(self, names: list[str]) -> None:
        for name in names:
            for news in self._watched.get(name, ()):
                news.set()


def _stream(key: str) -> str:
    return f"log:{key}"


def _entry(raw_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(int(raw_id.split(b"-")[1]), json.loads(fields[b"e"]))
