"""The onnx engine on a model whose weights dominate: ratios of one run, random weights.

`python -m bench.engine` takes about three minutes on two cores (a model of 1.1 GB, kept under build/);
`--layers 32` is the size of Phi-3.5-mini, `--layers 2 --hidden 192` tries the script itself.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from bench.floor import Floor, fill, memory_bytes_per_s
from bench.random_phi import Shape, write_model
from bench.replies import Bench, speed
from inference.engines.onnxgenai.drafts import MOST, PromptLookup, StepCosts
from inference.engines.onnxgenai.rows import shared_beginning
from inference.host_process import HUGE_PAGES

BUILD = Path(__file__).resolve().parents[1] / "build"
STREAMS = (2, 4, 8)
ROUNDS = 3


class Oracle(PromptLookup):
    """Guesses a known reply, with a share of the guesses spoilt."""

    def __init__(self, known: list[int], right_share: float, costs: StepCosts) -> None:
        super().__init__([], costs)
        self._known = known
        self._share = right_share
        self._chance = random.Random(1)

    def guess(self, most: int) -> list[int]:
        at = len(self._tokens)
        length = min(most, self._best_length())
        if length:
            self._since_guess = 0
        return [
            token if self._chance.random() < self._share else token + 1
            for token in self._known[at : at + length]
        ]


def together(bench: Bench, streams: int, shared: list[int], new_tokens: int) -> float:
    """Return tokens/s of so many replies while all of them write; their prompts begin alike."""
    runs = [bench.start([*shared, *bench.prompt(8)], new_tokens) for _ in range(streams)]
    for run in runs:
        bench.finish(run)
    begin = max(run.token_times[0] for run in runs)
    end = min(run.token_times[-1] for run in runs)
    assert begin < end, "too few tokens for all of them to write at the same time"
    written = sum(begin < at <= end for run in runs for at in run.token_times)
    return written / (end - begin)


def side_by_side(bench: Bench, floor: Floor, context: int, new_tokens: int) -> dict[str, object]:
    """Measure one stream and several in turns, and beside each the decoder alone in a loop."""
    shared = bench.prompt(context - 8)
    rates: dict[int, list[float]] = {n: [] for n in (1, *STREAMS)}
    bare: dict[int, list[float]] = {n: [] for n in rates}
    for _ in range(ROUNDS):
        for streams in rates:
            bench.finish(bench.start(shared, 1))  # the rows forgot it beside the bare decoder
            rates[streams].append(together(bench, streams, shared, new_tokens))
            bare[streams].append(floor.rate(streams, new_tokens))
    ours = {n: statistics.median(measured) for n, measured in rates.items()}
    theirs = {n: statistics.median(measured) for n, measured in bare.items()}
    return {
        "tokens_per_s": {str(n): round(rate, 1) for n, rate in ours.items()},
        "together": {str(n): round(ours[n] / ours[1], 2) for n in STREAMS},
        "together_bare_decoder": {str(n): round(theirs[n] / theirs[1], 2) for n in STREAMS},
        "of_bare_decoder": {str(n): round(rate / theirs[n], 2) for n, rate in ours.items()},
    }


def first_token_s(bench: Bench, prompt: list[int]) -> float:
    run = bench.finish(bench.start(prompt, 1))
    return run.token_times[0] - run.began_at


def against_generator(bench: Bench, folder: Path, threads: int, prompt: list[int], new: int) -> object:
    """Compare with a bare og.Generator loop, in turns; and the tokens of both."""
    import onnxruntime_genai as og

    config = og.Config(os.fspath(folder))
    options = {"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}
    config.overlay(json.dumps(options))
    model = og.Model(config)
    theirs, ours = [], []
    equal: list[float] = []
    for _ in range(3):
        prompt = bench.prompt(len(prompt))
        params = og.GeneratorParams(model)
        params.set_search_options(max_length=len(prompt) + new, do_sample=False)
        generator = og.Generator(model, params)
        generator.append_tokens(prompt)
        written, times = [], []
        for _ in range(new):
            generator.generate_next_token()
            written.append(int(generator.get_next_tokens()[0]))
            times.append(time.monotonic())
        theirs.append((new - 1) / (times[-1] - times[0]))
        run = bench.finish(bench.start(prompt, new))
        ours.append(speed(run))
        equal.append(shared_beginning(run.tokens, written) / new)
    same = run.tokens == written
    best, other = statistics.median(ours), statistics.median(theirs)
    return {
        "tokens_per_s": round(best, 1),
        "generator": round(other, 1),
        "ratio": round(best / other, 2),
        "same_tokens": same,
    }


def second_turn(bench: Bench, context: int) -> object:
    """First tokens: cold, with a short new question, and with new passages as well."""
    passages = context // 4
    colds, asked, grounded = [], [], []
    for _ in range(2):
        prompt = bench.prompt(context)
        colds.append(first_token_s(bench, prompt))
        asked.append(first_token_s(bench, [*prompt, *bench.prompt(20)]) / colds[-1])
        longer = [*prompt, *bench.prompt(passages)]
        grounded.append(first_token_s(bench, longer) / first_token_s(bench, bench.prompt(len(longer))))
    return {
        "prefill_tokens_per_s": round(context / min(colds), 1),
        "without_new_passages": round(min(asked), 3),
        f"with_{passages}_new_tokens": round(min(grounded), 3),
        "allowed": [0.1, round(0.1 + passages / (context + passages), 3)],
    }


def longest_gap(bench: Bench, long_prompt: int, new_tokens: int) -> object:
    """How long one writer waits for a token while a long prompt is read, beside its usual step."""
    run = bench.start(bench.prompt(64), new_tokens)
    while len(run.token_times) < 10:
        time.sleep(0.01)
    joined = bench.start(bench.prompt(long_prompt), 1)
    for one in (run, joined):
        bench.finish(one)
    gaps = [(b - a, a) for a, b in pairwise(run.token_times)]
    during = [gap for gap, at in gaps if joined.began_at <= at < joined.token_times[0]]
    usual = statistics.median(gap for gap, at in gaps if at < joined.began_at)
    return {"usual_ms": round(1000 * usual), "longest_ms": round(1000 * max(during)), "chunks": len(during)}


def guesses(bench: Bench, prompt: list[int], new_tokens: int) -> object:
    """Decode speed with guesses, relative to none, where 0, 50 and 100 % of them are right; and the steps."""
    known = bench.finish(bench.start(prompt, new_tokens)).tokens
    figures: dict[str, object] = {}
    same: list[float] = []
    for share in (0.0, 0.5, 1.0):
        speeds, steps = [], []
        for _ in range(ROUNDS):
            slow = speed(bench.finish(bench.start(prompt, new_tokens)))
            run = bench.finish(bench.start(prompt, new_tokens, partial(Oracle, known, share)))
            speeds.append(speed(run) / slow)
            steps.append(run.writing_steps / (new_tokens - 1))
            same.append(shared_beginning(run.tokens, known) / new_tokens)
        figures[f"right_{share:.0%}"] = round(statistics.median(speeds), 2)
        figures[f"steps_a_token_{share:.0%}"] = round(statistics.median(steps), 2)
    return {**figures, "tokens_before_a_difference": round(statistics.mean(same), 2)}


def measure(bench: Bench, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Measure everything, in one process on one model; each part is told on stderr when it is done."""
    prompt = bench.prompt(options.context)
    fill(bench, options.context)
    floor = Floor(bench, options.context)
    parts: dict[str, Callable[[], object]] = {
        "streams": lambda: side_by_side(bench, floor, options.context, options.tokens),
        "tokens_of_one_row": lambda: floor.widths(1 + MOST),
        "guesses": lambda: guesses(bench, prompt, 2 * options.tokens),
        "bare_generator": lambda: against_generator(bench, folder, options.threads, prompt, options.tokens),
        "second_turn": lambda: second_turn(bench, 5 * options.context),
        "beside_a_long_prompt": lambda: longest_gap(bench, 3 * options.context, 3 * options.tokens),
    }
    figures: dict[str, object] = {}
    for name, part in parts.items():
        figures[name] = part()
        print(name, json.dumps(figures[name]), file=sys.stderr, flush=True)
    return figures


def _restart_as_the_product_runs() -> None:
    """Have the C library's memory on huge pages, which is decided before a program's first line."""
    if HUGE_PAGES not in os.environ.get("GLIBC_TUNABLES", ""):
        command = [sys.executable, "-m", "bench.engine", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "GLIBC_TUNABLES": HUGE_PAGES})


def main() -> None:
    """Make the model, measure, print one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=14)
    parser.add_argument("--hidden", type=int, default=3072)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tokens", type=int, default=48, help="written by each stream")
    parser.add_argument(
        "--context", type=int, default=200, help="of the streams; the second turn has five times it"
    )
    options = parser.parse_args()
    _restart_as_the_product_runs()
    shape = Shape(layers=options.layers, hidden=options.hidden, inner=options.hidden * 8 // 3)
    folder = BUILD / f"bench-phi-{options.layers}x{options.hidden}"
    read_bytes = write_model(folder, shape)
    memory = memory_bytes_per_s(options.threads)
    figures: dict[str, object] = {
        "weights_gb": round(read_bytes / 1e9, 2),
        "threads": options.threads,
        "memory_gb_per_s": round(memory / 1e9, 1),
        "tokens_per_s_if_weights_were_all": round(memory / read_bytes, 1),
        "load_average_before": round(os.getloadavg()[0], 1),
    }
    began = time.monotonic()
    bench = Bench(folder, options.threads)
    figures["load_s"] = round(time.monotonic() - began, 1)
    figures |= measure(bench, folder, options)
    figures["seconds"] = round(time.monotonic() - began)
    figures["load_average_after"] = round(os.getloadavg()[0], 1)
    bench.runtime.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
