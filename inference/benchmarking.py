"""How fast an engine is here: time to first token, prefill and decode tokens/s at several streams.

Beside it the floor: one stream cannot be faster than this machine reads the model's weights once a
token. The answers are sampled, so that no guessed token makes a model look faster than it decodes. Uses the
Engine interface alone.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from inference.engines.base import Engine
from inference.engines.onnxgenai.budget import available_bytes
from inference.engines.onnxgenai.folder import CONFIG_FILE, read_folder
from inference.errors import EngineError
from inference.types import ChatMessage, Delta, Finish, GenerationRequest, Role, Usage

STREAMS: Final = (1, 2, 4, 8)
BUFFER_BYTES: Final = 1 << 30  # far larger than any cache
READS: Final = 3
MIN_SHARE: Final = 0.5  # of the time, that all streams must have been writing for it to tell their rate
CPU_EMBEDDING_BYTES: Final = 4  # the table stays float32 in the published folders for CPUs
GPU_EMBEDDING_BYTES: Final = 2
TEMPERATURE: Final = 1.0
WORDS: Final = (
    "the order parcel station invoice window garden teacher answer river number letter ticket "
    "market kitchen winter signal paper bridge question morning account battery address"
)


@dataclass(frozen=True, slots=True)
class Floor:
    """What memory allows. weights_gb: read for one token, 0 = unknown; then there is no floor.

    busy: how many processes wanted to run before anything was measured, on average over a minute.
    """

    read_gb_s: float
    threads: int
    weights_gb: float
    busy: float = 0.0

    @property
    def is_disturbed(self) -> bool:
        """Whether other work takes so much of this machine that the figures tell less of the engine."""
        return self.busy > self.threads / 2

    @property
    def ms_per_token(self) -> float | None:
        """The shortest possible decode step of one stream."""
        return self.weights_gb / self.read_gb_s * 1000 if self.weights_gb else None


@dataclass(frozen=True, slots=True)
class Speed:
    """One run. Rates are those of all streams together; first_token_s is the median of the streams."""

    streams: int
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    ms_per_token: float

    def ratio_to(self, floor: Floor) -> float | None:
        """How many times the floor a token of this run took; below 1 with streams that share a step."""
        return self.ms_per_token / floor.ms_per_token if floor.ms_per_token and self.ms_per_token else None


@dataclass(slots=True)
class _Reply:
    started_at: float
    deltas_at: list[float] = field(default_factory=list)
    ended_at: float = 0.0
    usage: Usage = field(default_factory=Usage)

    @property
    def first_at(self) -> float:
        return self.deltas_at[0] if self.deltas_at else self.ended_at

    def tokens_between(self, start: float, end: float) -> float:
        """Tokens written in a span of time: its share of the deltas, the first one left out."""
        within = sum(start < at <= end for at in self.deltas_at[1:])
        return within * self.usage.completion_tokens / max(1, len(self.deltas_at))


def measure_floor(folder: Path | None, buffer_bytes: int = BUFFER_BYTES) -> Floor:
    """Read a large buffer with every core, and tell how much of a model folder one token reads."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = os.getloadavg()[0]
    size = min(buffer_bytes, max(1 << 24, available_bytes() // 4))
    return Floor(read_gb_s(size, threads), threads, weights_read_gb(folder) if folder else 0.0, busy)


def read_gb_s(size_bytes: int, threads: int) -> float:
    """Measure how fast memory is read, best of a few times."""
    import numpy as np

    parts = np.array_split(np.full(size_bytes // 8, 3, dtype=np.uint64), threads)
    best_s = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(READS):
            began = time.perf_counter()
            list(pool.map(np.bitwise_or.reduce, parts))  # numpy lets go of the interpreter's lock
            best_s = min(best_s, time.perf_counter() - began)
    return size_bytes / best_s / 1e9


def weights_read_gb(folder: Path) -> float:
    """Tell how many GB of weights one token reads: all but the embedding table. Raises: EngineError."""
    graph = read_folder(folder).graph
    if graph is None:
        return 0.0
    model = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["model"]
    hidden, vocabulary = model["decoder"].get("hidden_size", 0), model.get("vocab_size", 0)
    width = GPU_EMBEDDING_BYTES if graph.providers else CPU_EMBEDDING_BYTES
    table = hidden * vocabulary * width
    return (graph.weight_bytes - (table if table < graph.weight_bytes else 0)) / 1e9


def measure(
    engine: Engine,
    *,
    streams: Sequence[int] = STREAMS,
    prompt_tokens: int = 256,
    max_tokens: int = 64,
) -> Iterator[Speed]:
    """Measure a loaded engine, one run for each number of streams its slots allow.

    Every prompt begins differently, so that none is found in the cache. Raises: EngineError.
    """
    words = _words_for(engine, prompt_tokens)
    _write(engine, _request("warm-up", words // 8, 4), threading.Barrier(1))
    for number in streams:
        if number <= max(1, engine.slots):
            yield _run(engine, number, words, max_tokens)


def _run(engine: Engine, number: int, words: int, max_tokens: int) -> Speed:
    """Write every reply twice: one token of it cold, for the prefill, then the whole, for the decode.

    The second time an engine that keeps prefixes begins all streams together, as they should be.
    """
    requests = [_request(f"{number}-{stream}", words, max_tokens) for stream in range(number)]
    cold = _write_together(engine, [replace(request, max_tokens=1) for request in requests])
    return _speed(cold, _write_together(engine, requests))


def _write_together(engine: Engine, requests: Sequence[GenerationRequest]) -> list[_Reply]:
    start = threading.Barrier(len(requests))
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda request: _write(engine, request, start), requests))


def _write(engine: Engine, request: GenerationRequest, start: threading.Barrier) -> _Reply:
    start.wait()
    reply = _Reply(time.perf_counter())
    for event in engine.stream(request):
        now = time.perf_counter()
        if isinstance(event, Delta):
            reply.deltas_at.append(now)
        elif isinstance(event, Finish):
            reply.ended_at, reply.usage = now, event.usage
    return reply


def _speed(cold: Sequence[_Reply], whole: Sequence[_Reply]) -> Speed:
    began = min(reply.started_at for reply in cold)
    read_at = max(reply.first_at for reply in cold)
    prompt = sum(reply.usage.prompt_tokens - reply.usage.cached_tokens for reply in cold)
    rate = _decode_rate(whole)
    return Speed(
        streams=len(whole),
        prompt_tokens=sum(reply.usage.prompt_tokens for reply in cold) // len(cold),
        completion_tokens=sum(reply.usage.completion_tokens for reply in whole),
        first_token_s=statistics.median(reply.first_at - reply.started_at for reply in cold),
        prefill_tokens_per_s=prompt / max(1e-6, read_at - began),
        decode_tokens_per_s=rate,
        ms_per_token=1000 / rate if rate else 0.0,
    )


def _decode_rate(replies: Sequence[_Reply]) -> float:
    """Tokens/s while all streams were writing; where that was but a short part of it, over the whole."""
    first, last = min(reply.first_at for reply in replies), max(reply.ended_at for reply in replies)
    start, end = max(reply.first_at for reply in replies), min(reply.ended_at for reply in replies)
    written = sum(reply.tokens_between(start, end) for reply in replies)
    if end - start < (last - first) * MIN_SHARE or not written:
        start, end = first, last
        written = sum(reply.tokens_between(start, end) for reply in replies)
    return written / (end - start) if end > start else 0.0


def _words_for(engine: Engine, prompt_tokens: int) -> int:
    """How many words make a prompt of about so many tokens, within the engine's context."""
    if engine.context_tokens:
        prompt_tokens = min(prompt_tokens, engine.context_tokens // 2)
    try:
        sample = engine.count_tokens(_request("sample", 200, 1).messages)
    except EngineError:
        return prompt_tokens  # a remote engine that cannot count
    return max(8, prompt_tokens * 200 // max(1, sample))


def _request(name: str, words: int, max_tokens: int) -> GenerationRequest:
    listed = WORDS.split()
    spoken = [listed[(at * at + len(name) + at) % len(listed)] for at in range(words)]
    text = f"{time.time_ns()} {name}: {' '.join(spoken)}. Tell a long story with these words."
    return GenerationRequest(
        (ChatMessage(Role.USER, text),), max_tokens=max_tokens, temperature=TEMPERATURE, seed=len(name)
    )
