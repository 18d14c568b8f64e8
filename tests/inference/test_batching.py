"""Many replies at once on the tiny Phi-3: the same tokens as og.Generator's, whoever comes and goes."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from inference.engines.native.sampling import Sampler
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.drafts import PromptLookup
from inference.engines.onnxgenai.folder import ModelFolder, read_folder
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.scheduler import Ticket
from inference.errors import ContextTooLong, EngineError
from inference.export.tiny_phi3.dialogues import ALL, GROUNDED
from inference.export.tiny_phi3.train import prompt_of
from inference.types import ChatMessage, Delta, Finish, FinishReason, GenerationRequest, Role, never_stop

Make = Callable[..., "Batch"]
ODD = ("Say lamp nine times.", "?!", "ten cats and a dog", "why is the sky", "שלום", "boots " * 30)


class Recorder(Sampler):
    """A sampler that remembers what it chose."""

    def __init__(self, request: GenerationRequest, prompt: Sequence[int], vocabulary: int) -> None:
        super().__init__(request, prompt, vocabulary)
        self.chosen: list[int] = []

    def choose(self, logits: Any) -> int:
        self.chosen.append(super().choose(logits))
        return self.chosen[-1]


class Batch:
    """A batching runtime whose tickets the tests write themselves."""

    def __init__(self, folder: ModelFolder, rows: int, context: int, speculate: bool) -> None:
        self.runtime = BatchingRuntime(
            folder, plan=Plan(rows, context), threads=1, speculate=speculate, shared_chunk_s=0.0
        )
        self.rows = rows
        self.folder = folder

    @property
    def free_rows(self) -> int:
        return self.runtime.scheduler.free_rows

    def prompt(self, text: str) -> list[int]:
        return self.runtime.prompts.token_ids([ChatMessage(Role.USER, text)])

    def ticket(self, prompt: list[int], max_tokens: int = 40, **options: Any) -> Ticket:
        should_stop = options.pop("should_stop", never_stop)
        on_step = options.pop("on_step", lambda: None)
        request = GenerationRequest((), max_tokens=max_tokens, **options)
        sampler = Recorder(request, prompt, self.runtime._decoder.vocabulary)
        reply = Reply(request, len(prompt), self.runtime._tokenizer, self.folder.reply_ends)
        guesses = self.runtime._speculates and sampler.is_plain
        lookup = PromptLookup(prompt, self.runtime.scheduler.costs) if guesses else None
        return Ticket(list(prompt), reply, sampler, lookup, should_stop, on_step)

    def write(self, prompt: list[int], max_tokens: int = 40, **options: Any) -> list[int]:
        ticket = self.ticket(prompt, max_tokens, **options)
        self.runtime.scheduler.submit(ticket)
        return tokens_of(ticket)


def finish_of(ticket: Ticket) -> Finish:
    while True:
        event = ticket.events.get(timeout=60)
        if isinstance(event, EngineError):
            raise event
        if isinstance(event, Finish):
            return event


def tokens_of(ticket: Ticket) -> list[int]:
    finish_of(ticket)
    assert isinstance(ticket.sampler, Recorder)
    return ticket.sampler.chosen


@pytest.fixture(scope="module")
def folder(tiny_phi3: Path) -> ModelFolder:
    return read_folder(tiny_phi3)


@pytest.fixture
def make(folder: ModelFolder) -> Iterator[Make]:
    made: list[Batch] = []

    def make(rows: int = 4, context: int = 4096, *, speculate: bool = False) -> Batch:
        made.append(Batch(folder, rows, context, speculate))
        return made[-1]

    yield make
    for batch in made:
        batch.runtime.close()


@pytest.fixture(scope="module")
def by_generator(tiny_phi3: Path, folder: ModelFolder) -> Callable[..., list[int]]:
    """What og.Generator writes: the tokens, with the one that ends the reply."""
    import onnxruntime_genai as og

    model = og.Model(str(tiny_phi3))

    def write(prompt: list[int], max_tokens: int = 40, **options: float) -> list[int]:
        params = og.GeneratorParams(model)
        params.set_search_options(max_length=len(prompt) + max_tokens, do_sample=False, **options)
        generator = og.Generator(model, params)
        generator.append_tokens(prompt)
        written: list[int] = []
        while len(written) < max_tokens and not (written and written[-1] in folder.reply_ends):
            generator.generate_next_token()
            written.append(int(generator.get_next_tokens()[0]))
        return written

    return write


def prompts(batch: Batch) -> list[list[int]]:
    learned = [batch.runtime.prompts.token_ids(prompt_of(dialogue)) for dialogue in ALL]
    return [*learned, *(batch.prompt(text) for text in ODD)]


@pytest.mark.parametrize("speculate", [False, True])
def test_alone_the_tokens_are_the_generators(
    speculate: bool, make: Make, by_generator: Callable[..., list[int]]
) -> None:
    batch = make(speculate=speculate)

    for prompt in prompts(batch):
        assert batch.write(prompt, 60) == by_generator(prompt, 60)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
def test_together_the_tokens_are_the_generators(
    rows: int, make: Make, by_generator: Callable[..., list[int]]
) -> None:
    batch = make(rows)
    asked = prompts(batch)

    tickets = [batch.ticket(prompt, 20 + at % 30) for at, prompt in enumerate(asked)]
    for ticket in tickets:
        batch.runtime.scheduler.submit(ticket)

    for at, ticket in enumerate(tickets):
        assert tokens_of(ticket) == by_generator(asked[at], 20 + at % 30)
    assert batch.free_rows == rows


@pytest.mark.parametrize("seed", range(4))
def test_joining_at_any_step_changes_nobodys_tokens(
    seed: int, make: Make, by_generator: Callable[..., list[int]]
) -> None:
    batch, chance = make(4, speculate=True), random.Random(seed)
    asked = chance.sample(prompts(batch), 12)
    waiting = [batch.ticket(prompt, 30, on_step=lambda: maybe_submit()) for prompt in asked]
    submitted: list[Ticket] = []

    def maybe_submit() -> None:
        if waiting and chance.random() < 0.15:
            submitted.append(waiting.pop())
            batch.runtime.scheduler.submit(submitted[-1])

    for at in range(len(asked)):  # whoever is left when nobody steps any more is submitted here
        while len(submitted) <= at:
            submitted.append(waiting.pop())
            batch.runtime.scheduler.submit(submitted[-1])
        finish_of(submitted[at])

    for ticket in submitted:
        assert isinstance(ticket.sampler, Recorder)
        assert ticket.sampler.chosen == by_generator(ticket.prompt, 30)


def test_a_repetition_penalty_is_the_generators(make: Make, by_generator: Callable[..., list[int]]) -> None:
    batch = make()

    for text in ODD:
        prompt = batch.prompt(text)
        assert batch.write(prompt, repetition_penalty=1.4) == by_generator(prompt, repetition_penalty=1.4)


def test_a_second_turn_reads_only_what_is_new(make: Make) -> None:
    batch, fresh = make(), make()
    dialogue = next(one for one in GROUNDED if len(one.turns) == 2)
    second = batch.runtime.prompts.token_ids(prompt_of(dialogue))
    first = second[: len(second) * 2 // 3]
    batch.write(first, 1)

    ticket = batch.ticket(second, 60)
    batch.runtime.scheduler.submit(ticket)

    assert finish_of(ticket).usage.cached_tokens >= len(first)
    assert tokens_of_finished(ticket) == fresh.write(second, 60)


def tokens_of_finished(ticket: Ticket) -> list[int]:
    assert isinstance(ticket.sampler, Recorder)
    return ticket.sampler.chosen


def test_the_same_question_again_computes_its_last_two_tokens(make: Make) -> None:
    batch = make()
    prompt = batch.prompt("Count to thirty.")
    first = batch.write(prompt)

    ticket = batch.ticket(prompt)
    batch.runtime.scheduler.submit(ticket)

    assert finish_of(ticket).usage.cached_tokens == len(prompt) - 2
    assert tokens_of_finished(ticket) == first


def test_a_beginning_shared_with_somebody_who_still_writes_is_not_read_again(
    make: Make, by_generator: Callable[..., list[int]]
) -> None:
    batch = make()
    shared = batch.prompt("lamp " * 100)
    other = [*shared[:90], *batch.prompt("Hello!")]
    second = batch.ticket(other)
    first = batch.ticket(shared, 60, on_step=once(lambda: batch.runtime.scheduler.submit(second), after=20))

    batch.runtime.scheduler.submit(first)

    assert finish_of(second).usage.cached_tokens == 90
    assert tokens_of_finished(second) == by_generator(other)
    assert tokens_of(first) == by_generator(shared, 60)


def once(act: Callable[[], None], *, after: int) -> Callable[[], None]:
    """Act at the call number `after`."""
    calls = iter(range(1, 10**6))
    return lambda: act() if next(calls) == after else None


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_cancelled_replies_leaks_no_row(seed: int, make: Make) -> None:
    batch, chance = make(3), random.Random(seed)
    asked = prompts(batch)

    def gives_up_after(polls: int) -> Callable[[], bool]:
        left = iter(range(polls))
        return lambda: next(left, None) is None

    tickets = [
        batch.ticket(chance.choice(asked), should_stop=gives_up_after(chance.randrange(40)))
        for _ in range(60)
    ]
    for ticket in tickets:
        batch.runtime.scheduler.submit(ticket)
    reasons = [finish_of(ticket).reason for ticket in tickets]

    assert reasons.count(FinishReason.CANCELLED) > 20
    assert batch.free_rows == 3
    assert batch.write(asked[0], 60) == make(1).write(asked[0], 60)


def test_a_cancelled_reply_takes_part_in_no_further_step(make: Make) -> None:
    batch = make(1)
    steps: list[int] = []
    ticket = batch.ticket(
        batch.prompt("Count to thirty."), should_stop=lambda: len(steps) == 9, on_step=lambda: steps.append(1)
    )

    batch.runtime.scheduler.submit(ticket)

    assert finish_of(ticket).reason is FinishReason.CANCELLED
    assert len(steps) == 9


def test_a_stream_that_is_closed_gives_its_row_back(make: Make) -> None:
    batch = make(1)
    request = GenerationRequest((ChatMessage(Role.USER, "Count to thirty."),), max_tokens=200)

    for _ in range(5):
        stream = batch.runtime.stream(request)
        next(stream)
        stream.close()  # type: ignore[attr-defined]

    assert isinstance(list(batch.runtime.stream(request))[-1], Finish)
    assert batch.free_rows == 1


def test_whoever_writes_gets_a_token_between_any_two_chunks_of_a_long_prompt(make: Make) -> None:
    batch = make(3)
    steps: list[str] = []
    long = batch.ticket(batch.prompt("lamp " * 600), 1, on_step=lambda: steps.append("long"))
    short = [
        batch.ticket(
            batch.prompt(text), 80, on_step=lambda text=text: steps.append(text), temperature=5.0, seed=11
        )
        for text in ("Hello!", "Count to thirty.")
    ]
    for ticket in short:
        ticket.on_step = both(ticket.on_step, once(lambda: batch.runtime.scheduler.submit(long), after=5))

    batch.runtime.scheduler.submit(short[0])
    for ticket in [*short[:1], long]:
        finish_of(ticket)

    began, ended = steps.index("long"), len(steps) - 1 - steps[::-1].index("Hello!")
    beside = steps[began:ended]
    assert beside.count("long") >= 10
    assert all(pair != ("long", "long") for pair in pairwise(beside))


def both(one: Callable[[], None], other: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        one()
        other()

    return act


def test_a_short_prompt_does_not_wait_for_a_long_one(make: Make) -> None:
    batch = make(2)
    steps: list[str] = []
    short = batch.ticket(batch.prompt("Hello!"), 5, on_step=lambda: steps.append("short"))
    long = batch.ticket(batch.prompt("lamp " * 700), 1, on_step=lambda: steps.append("long"))
    long.on_step = both(long.on_step, once(lambda: batch.runtime.scheduler.submit(short), after=1))

    batch.runtime.scheduler.submit(long)
    for ticket in (long, short):
        finish_of(ticket)

    assert "short" in steps[:4]
    assert steps[-1] == "long"


def test_more_replies_than_rows_begin_in_the_order_they_came(make: Make) -> None:
    batch = make(2)
    begun: list[int] = []

    def notes(number: int) -> Callable[[], None]:
        return lambda: None if number in begun else begun.append(number)

    tickets = [batch.ticket(batch.prompt("Hello!"), 10, on_step=notes(number)) for number in range(9)]
    for ticket in tickets:
        batch.runtime.scheduler.submit(ticket)
    for ticket in tickets:
        finish_of(ticket)

    assert begun == sorted(begun)


def test_a_prompt_and_its_answer_may_fill_a_row_to_the_last_token(
    make: Make, by_generator: Callable[..., list[int]]
) -> None:
    batch = make(2, context=64, speculate=True)
    prompt = batch.prompt("ten cats and a dog")
    room = 64 - len(prompt)
    request = GenerationRequest((ChatMessage(Role.USER, "ten cats and a dog"),), max_tokens=room)

    list(batch.runtime.stream(request))

    assert batch.write(prompt, room) == by_generator(prompt, room)
    with pytest.raises(ContextTooLong):
        list(batch.runtime.stream(GenerationRequest(request.messages, max_tokens=room + 1)))


def test_sampling_with_a_seed_repeats_whoever_writes_beside(make: Make) -> None:
    batch = make(4)
    prompt = batch.prompt("Anything?")
    alone = batch.write(prompt, 30, temperature=1.5, top_p=0.95, seed=11)

    tickets = [batch.ticket(prompt, 30, temperature=1.5, top_p=0.95, seed=seed) for seed in (11, 12, 13)]
    for ticket in tickets:
        batch.runtime.scheduler.submit(ticket)
    together = [tokens_of(ticket) for ticket in tickets]

    assert together[0] == alone
    assert together[1] != alone


def test_a_step_that_fails_ends_its_replies_and_the_next_one_is_served(make: Make) -> None:
    batch = make(2)
    prompt = batch.prompt("Count to thirty.")
    before = batch.write(prompt)
    broken = batch.ticket([10**7])  # no such token

    batch.runtime.scheduler.submit(broken)

    with pytest.raises(EngineError, match="a step failed"):
        finish_of(broken)
    assert batch.free_rows == 2
    assert batch.write(prompt) == before


def test_guesses_from_the_prompt_save_steps_of_answers_that_quote(make: Make) -> None:
    batch = make(1, speculate=True)
    steps = tokens = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    for dialogue in GROUNDED:
        prompt = batch.runtime.prompts.token_ids(prompt_of(dialogue))
        batch.write(prompt, 1)
        tokens += len(batch.write(prompt, 100, on_step=count))

    assert steps < 0.8 * tokens


def test_text_of_the_stream_is_the_reply(make: Make) -> None:
    batch = make(4)
    requests = [GenerationRequest(tuple(prompt_of(dialogue)), max_tokens=300) for dialogue in ALL]

    def read(request: GenerationRequest) -> str:
        return "".join(one.text for one in batch.runtime.stream(request) if isinstance(one, Delta))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, requests)) == [dialogue.turns[-1].answer for dialogue in ALL]
