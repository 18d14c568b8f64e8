"""What a step costs with nothing around it: the decoder alone in a loop, and how fast memory is read."""

import statistics
import time

import numpy as np

from bench.random_phi import WRITABLE
from bench.replies import ROWS, Bench

MEMORY_BYTES = 2**29


class Floor:
    """Bare steps over the rows of a bench, at one length of context."""

    def __init__(self, bench: Bench, context: int) -> None:
        self._bench = bench
        self._context = context
        self._random = np.random.default_rng(0)

    def rate(self, rows: int, steps: int) -> float:
        """Return tokens/s of so many rows that write together, each token the likeliest."""
        tokens = self._tokens(rows, 1)
        began = time.monotonic()
        for step in range(steps):
            logits = self._bench.decoder.run(0, tokens, [self._context + step] * rows)
            tokens = logits[:, 0].argmax(axis=-1)[:, None]
        seconds = time.monotonic() - began
        self._bench.runtime.scheduler._rows.forget()  # no reply goes on from what was written here
        return rows * steps / seconds

    def step_s(self, tokens: int) -> float:
        """Time one step over so many tokens of one row."""
        given = self._tokens(1, tokens)
        began = time.monotonic()
        self._bench.decoder.run(0, given, [self._context])
        return time.monotonic() - began

    def widths(self, most: int, rounds: int = 7) -> dict[str, float]:
        """Cost of a step over 2, 3, … tokens of one row, in steps over one."""
        times = {width: [self.step_s(width)] for width in range(1, most + 1)}
        for _ in range(rounds):
            for width, measured in times.items():
                measured.append(self.step_s(width))
        self._bench.runtime.scheduler._rows.forget()
        one = statistics.median(times.pop(1))
        return {str(width): round(statistics.median(one_s) / one, 2) for width, one_s in times.items()}

    def _tokens(self, rows: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        return self._random.choice(np.array(WRITABLE, np.int64), (rows, width))


def fill(bench: Bench, context: int) -> None:
    """Put so many tokens into every row."""
    for run in [bench.start(bench.prompt(context), 1) for _ in range(ROWS)]:
        bench.finish(run)


def memory_bytes_per_s(threads: int) -> float:
    """Measure how fast so many threads read memory."""
    from concurrent.futures import ThreadPoolExecutor

    parts = np.array_split(np.ones(MEMORY_BYTES // 8, np.int64), threads)
    with ThreadPoolExecutor(threads) as pool:
        best = 0.0
        for _ in range(5):
            began = time.monotonic()
            list(pool.map(np.max, parts))
            best = max(best, MEMORY_BYTES / (time.monotonic() - began))
    return best
