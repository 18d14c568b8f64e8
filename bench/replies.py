"""Replies on one loaded model, token by token: the scheduler without the text around it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.random_phi import WRITABLE
from inference.engines.native.sampling import Sampler
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.decoder import Decoder
from inference.engines.onnxgenai.drafts import PromptLookup, StepCosts
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.scheduler import Ticket
from inference.types import Finish, GenerationRequest, never_stop

ROWS = 8
CONTEXT = 2048


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

    @property
    def writing_steps(self) -> int:
        """How many steps wrote its tokens after the first."""
        return sum(at > self.token_times[0] for at in self.step_times)


class Bench:
    """One loaded model, and replies on it."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.runtime = BatchingRuntime(
            read_folder(folder), plan=Plan(ROWS, CONTEXT), threads=threads, speculate=False
        )
        self._folder = read_folder(folder)
        self._chance = random.Random(0)

    @property
    def decoder(self) -> Decoder:
        """What the scheduler runs; whoever runs it too does so while no reply is under way."""
        return self.runtime._decoder

    def prompt(self, tokens: int) -> list[int]:
        """Make up a prompt."""
        return [self._chance.choice(WRITABLE) for _ in range(tokens)]

    def start(
        self, prompt: list[int], new_tokens: int, lookup: Callable[[StepCosts], PromptLookup] | None = None
    ) -> Run:
        """Begin a greedy reply."""
        request = GenerationRequest((), max_tokens=new_tokens)
        sampler = Recorder(request, prompt, self.decoder.vocabulary)
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


def speed(run: Run) -> float:
    """Return tokens/s of one reply after its first token."""
    return (len(run.tokens) - 1) / (run.token_times[-1] - run.token_times[0])
