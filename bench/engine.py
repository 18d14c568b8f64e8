"""The onnx engine on a model whose weights dominate: ratios of one run, random weights.

`python -m bench.engine` takes about three minutes on two cores (a model of 1.1 GB, kept under build/);
`--layers 32` is the size of Phi-3.5-mini, `--layers 2 --hidden 256` tries the script itself.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from bench.random_phi import WRITABLE, Shape, write_model
from inference.engines.native.sampling import Sampler
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.drafts import PromptLookup, StepCosts
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.rows import shared_beginning
from inference.engines.onnxgenai.scheduler import Ticket
from inference.types import Finish, GenerationRequest, never_stop

BUILD = Path(__file__).resolve().parents[1] / "build"
ROWS = 8
CONTEXT = 2048
ROUNDS = 3


class Recorder(Sampler):
    """Remembers what it chose."""

    chosen: list[int]

    def choose(self, logits: object) -> int:
        self.chosen.append(super().choose(logits))  # type: ignore[arg-type]
        return self.chosen[-1]


@dataclass
class Run:
    """One reply and when its tokens came."""

    ticket: Ticket
    tokens: list[int]
    step_times: list[float] = field(default_factory=list)
    began_at: float = 0.0
    token_times: list[float] = field(default_factory=list)
    cached: int = 0


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


class Bench:
    """One loaded model, and replies on it."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.runtime = BatchingRuntime(
            read_folder(folder), plan=Plan(ROWS, CONTEXT), threads=threads, speculate=False
        )
        self._folder = read_folder(folder)
        self._chance = random.Random(0)

    def prompt(self, tokens: int) -> list[int]:
        """Make up a prompt."""
        return [self._chance.choice(WRITABLE) for _ in range(tokens)]

    def start(
        self, prompt: list[int], new_tokens: int, lookup: Callable[[StepCosts], PromptLookup] | None = None
    ) -> Run:
        """Begin a greedy reply."""
        request = GenerationRequest((), max_tokens=new_tokens)
        sampler = Recorder(request, prompt, self.runtime._decoder.vocabulary)
        sampler.chosen = []
        run: Run

        def on_step() -> None:
            now = time.monotonic()
            run.step_times.append(now)
            run.token_times += [now] * (len(sampler.chosen) - len(run.token_times))

        ticket = Ticket(
            prompt=prompt,
            reply=Reply(request, len(prompt), self.runtime._tokenizer, self._folder.reply_ends),
            sampler=sampler,
            lookup=lookup(self.runtime.scheduler.costs) if lookup else None,
            should_stop=never_stop,
            on_step=on_step,
        )
        run = Run(ticket, sampler.chosen, began_at=time.monotonic())
        self.runtime.scheduler.submit(ticket)
        return run

    def finish(self, run: Run) -> Run:
        """Wait for the end of a reply."""
        while True:
            event = run.ticket.events.get()
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Finish):
                run.cached = event.usage.cached_tokens
                while len(run.token_times) < len(run.tokens):  # its last step is noted just after it
                    time.sleep(0.001)
                return run


def together(bench: Bench, streams: int, shared: list[int], new_tokens: int) -> float:
    """Return tokens/s of so many replies while all of them write; their prompts begin alike."""
    runs = [bench.start([*shared, *bench.prompt(8)], new_tokens) for _ in range(streams)]
    for run in runs:
        bench.finish(run)
    begin = max(run.token_times[0] for run in runs)
    end = min(run.token_times[-1] for run in runs)
    written = sum(begin < at <= end for run in runs for at in run.token_times)
    return written / (end - begin)


def side_by_side(bench: Bench, context: int, new_tokens: int) -> tuple[float, dict[str, float]]:
    """Measure one stream and several in turns; return tokens/s of one, and the others relative to it."""
    shared = bench.prompt(context - 8)
    together(bench, 1, shared, 2)
    singles: list[float] = []
    ratios: dict[int, list[float]] = {2: [], 4: [], 8: []}
    for _ in range(ROUNDS):
        for streams, measured in ratios.items():
            singles.append(together(bench, 1, shared, new_tokens))
            measured.append(together(bench, streams, shared, new_tokens) / singles[-1])
    return max(singles), {str(n): round(statistics.median(measured), 2) for n, measured in ratios.items()}


def speed(run: Run) -> float:
    """Return tokens/s of one reply after its first token."""
    return (len(run.tokens) - 1) / (run.token_times[-1] - run.token_times[0])


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
    """Decode speed with guesses, relative to none, where 0, 50 and 100 % of them are right."""
    known = bench.finish(bench.start(prompt, new_tokens)).tokens
    figures: dict[str, object] = {}
    same: list[float] = []
    for share in (0.0, 0.5, 1.0):
        speeds = []
        for _ in range(2):
            slow = speed(bench.finish(bench.start(prompt, new_tokens)))
            run = bench.finish(bench.start(prompt, new_tokens, partial(Oracle, known, share)))
            speeds.append(speed(run) / slow)
            same.append(shared_beginning(run.tokens, known) / new_tokens)
        figures[f"right_{share:.0%}"] = round(statistics.median(speeds), 2)
    return {**figures, "tokens_before_a_difference": round(statistics.mean(same), 2)}


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
    shape = Shape(layers=options.layers, hidden=options.hidden, inner=options.hidden * 8 // 3)
    folder = BUILD / f"bench-phi-{options.layers}x{options.hidden}"
    read_bytes = write_model(folder, shape)
    bench = Bench(folder, options.threads)
    prompt = bench.prompt(options.context)
    bench.finish(bench.start(prompt, 8))  # warm
    singles, shares = side_by_side(bench, options.context, options.tokens)
    figures: dict[str, object] = {
        "weights_gb": round(read_bytes / 1e9, 2),
        "threads": options.threads,
        "load_average_before": round(os.getloadavg()[0], 1),
        "one_stream_tokens_per_s": round(singles, 1),
        "weights_read_gb_per_s": round(singles * read_bytes / 1e9, 1),
        "together": shares,
        "bare_generator": against_generator(bench, folder, options.threads, prompt, options.tokens),
        "second_turn": second_turn(bench, 5 * options.context),
        "beside_a_long_prompt": longest_gap(bench, 3 * options.context, 3 * options.tokens),
        "guesses": guesses(bench, prompt, 2 * options.tokens),
    }
    figures["load_average_after"] = round(os.getloadavg()[0], 1)
    bench.runtime.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
