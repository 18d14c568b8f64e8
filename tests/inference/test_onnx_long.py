"""Contexts beyond the cliff of a LongRoPE model: the tokens are those of transformers, however they come."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from inference.engines.native.sampling import Sampler
from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import GB, Plan, plan_long
from inference.engines.onnxgenai.drafts import PromptLookup
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.graph import Graph
from inference.engines.onnxgenai.longrope import cliff_of
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.scheduler import Ticket
from inference.errors import ContextTooLong, EngineError, EngineUnavailable
from inference.types import ChatMessage, Delta, Finish, GenerationRequest, Role, never_stop
from tests.inference import longrope_folder
from tests.inference.longrope_folder import CLIFF, LONGEST

pytestmark = pytest.mark.xdist_group("longrope")

Fresh = Callable[[list[int], int], list[int]]


@pytest.fixture(scope="module")
def fresh(longrope_folders: tuple[Path, Path]) -> Fresh:
    """What transformers writes where every token is computed from the whole sequence anew."""
    import torch
    from transformers import Phi3ForCausalLM

    torch.set_num_threads(1)  # the model is too small for more
    model = Phi3ForCausalLM.from_pretrained(longrope_folders[0], dtype=torch.float32)
    model.train(False)
    written: dict[tuple[int, ...], list[int]] = {}

    def write(prompt: list[int], count: int) -> list[int]:
        known = written.setdefault(tuple(prompt), [])
        while len(known) < count:
            with torch.no_grad():
                said = model(torch.tensor([prompt + known]), use_cache=False)
            known.append(int(said.logits[0, -1].argmax()))
        return known[:count]

    return write


@pytest.fixture(params=[False, True], ids=["plain", "guessing"])
def runtime(request: pytest.FixtureRequest, longrope_folders: tuple[Path, Path]) -> Iterator[BatchingRuntime]:
    plan = Plan(2, CLIFF, cliff=CLIFF, long_tokens=LONGEST)
    runtime = BatchingRuntime(read_folder(longrope_folders[1]), plan=plan, threads=1, speculate=request.param)
    yield runtime
    runtime.close()


def some_tokens(count: int, seed: int = 0) -> list[int]:
    chance = random.Random(seed)
    return [chance.randrange(3, 1700) for _ in range(count)]


class Recorder(Sampler):
    """A sampler that remembers what it chose."""

    def __init__(self, request: GenerationRequest, prompt: list[int], vocabulary: int) -> None:
        super().__init__(request, prompt, vocabulary)
        self.chosen: list[int] = []

    def choose(self, logits: Any) -> int:
        self.chosen.append(super().choose(logits))
        return self.chosen[-1]


def write(runtime: BatchingRuntime, prompt: list[int], count: int) -> tuple[list[int], Finish]:
    request = GenerationRequest((), max_tokens=count)
    sampler = Recorder(request, prompt, longrope_folder.VOCABULARY)
    reply = Reply(request, len(prompt), runtime._tokenizer, frozenset())
    lane = runtime._lane(len(prompt) + count)
    lookup = PromptLookup(prompt, lane.costs) if runtime._speculates else None
    ticket = Ticket(list(prompt), reply, sampler, lookup, never_stop, lambda: None)
    lane.submit(ticket)
    while not isinstance(event := ticket.events.get(timeout=60), Finish):
        if isinstance(event, EngineError):
            raise event
    return sampler.chosen, event


@pytest.mark.parametrize(
    ("prompt_tokens", "new_tokens"),
    [(20, 30), (20, 44), (20, 45), (50, 40), (63, 9), (64, 9), (65, 9), (66, 9), (100, 9), (200, 56)],
)
def test_the_tokens_are_those_of_a_fresh_prefill(
    prompt_tokens: int, new_tokens: int, runtime: BatchingRuntime, fresh: Fresh
) -> None:
    prompt = some_tokens(prompt_tokens)

    assert write(runtime, prompt, new_tokens)[0] == fresh(prompt, new_tokens)


def test_a_reply_crosses_the_cliff_as_transformers_does(
    runtime: BatchingRuntime, longrope_folders: tuple[Path, Path]
) -> None:
    import torch
    from transformers import Phi3ForCausalLM

    model = Phi3ForCausalLM.from_pretrained(longrope_folders[0], dtype=torch.float32)
    prompt = some_tokens(50, seed=3)

    generated = model.generate(  # type: ignore[misc]
        torch.tensor([prompt]), max_new_tokens=40, do_sample=False, eos_token_id=None, pad_token_id=0
    )

    assert write(runtime, prompt, 40)[0] == generated[0].tolist()[50:]


def test_nothing_computed_on_one_side_of_the_cliff_is_used_on_the_other(
    runtime: BatchingRuntime, fresh: Fresh
) -> None:
    prompt = some_tokens(120)
    near, far = prompt[:40], prompt

    for asked, count in ((near, 30), (far, 8), (near, 30), (far, 8)):
        assert write(runtime, asked, count)[0] == fresh(asked, count)


def test_what_was_computed_beyond_the_cliff_is_used_beyond_it(runtime: BatchingRuntime, fresh: Fresh) -> None:
    prompt = some_tokens(120)
    write(runtime, prompt, 4)

    longer = [*prompt, *some_tokens(20, seed=9)]
    tokens, finish = write(runtime, longer, 8)

    assert tokens == fresh(longer, 8)
    assert finish.usage.cached_tokens >= 120


def test_short_and_long_replies_write_at_the_same_time(runtime: BatchingRuntime, fresh: Fresh) -> None:
    asked = [(some_tokens(20 + 30 * at), 12) for at in range(4)]

    with ThreadPoolExecutor(4) as together:
        written = list(together.map(lambda one: write(runtime, *one)[0], asked))

    assert written == [fresh(prompt, count) for prompt, count in asked]


def test_a_stream_takes_the_long_row_where_prompt_and_answer_need_it(runtime: BatchingRuntime) -> None:
    def ask(words: int, max_tokens: int) -> list[Delta | Finish]:
        message = ChatMessage(Role.USER, "lamp " * words)
        return list(runtime.stream(GenerationRequest((message,), max_tokens=max_tokens)))

    assert isinstance(ask(10, 8)[-1], Finish)
    assert isinstance(ask(10, 200)[-1], Finish)
    assert isinstance(ask(40, 8)[-1], Finish)
    with pytest.raises(ContextTooLong):
        ask(40, LONGEST)


def test_the_cliff_is_read_from_the_graph(longrope_folders: tuple[Path, Path], tiny_phi3: Path) -> None:
    assert cliff_of(longrope_folders[1] / "model.onnx") == CLIFF
    assert cliff_of(tiny_phi3 / "model.onnx") == 0


def test_a_switch_whose_place_cannot_be_read_is_where_every_phi_has_it(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"...cos_cache_large...")

    assert cliff_of(graph) == 4096


def big(folder: Path, **changed: object) -> Graph:
    """The graph of a folder with the cache of Phi-3.5-mini: 0.75 MiB a token."""
    graph = read_folder(folder).graph
    assert graph is not None
    sizes = {"layers": 32, "kv_heads": 32, "head_size": 96, **changed}
    return Graph(file=graph.file, names=graph.names, providers=(), is_plain=True, **sizes)  # type: ignore[arg-type]


def test_one_row_is_long_where_there_is_a_cliff(longrope_folders: tuple[Path, Path]) -> None:
    folder = read_folder(longrope_folders[1])

    plan = plan_long(folder, big(longrope_folders[1]), 16384, memory_gb=14)

    assert (plan.context_tokens, plan.long_tokens, plan.cliff) == (CLIFF, 16384, CLIFF)
    assert plan.rows == 8
    assert plan.longest_tokens == 16384
    assert "8 rows × 64 tokens and one of 16384" in str(plan)


def test_every_row_is_long_where_there_is_no_cliff(tiny_phi3: Path) -> None:
    plan = plan_long(read_folder(tiny_phi3), big(tiny_phi3), 16384, memory_gb=30)

    assert plan == Plan(2, 16384, 2 * 16384 * 768 * 1024)


def test_a_context_that_does_not_fit_is_refused_with_the_figures(tiny_phi3: Path) -> None:
    with pytest.raises(
        EngineUnavailable, match=r"16384 tokens does not fit .* 12\.88 GB .* lower MODEL_CONTEXT"
    ):
        plan_long(read_folder(tiny_phi3), big(tiny_phi3), 16384, memory_gb=4)
    with pytest.raises(EngineUnavailable, match="does not fit"):
        plan_long(read_folder(tiny_phi3), big(tiny_phi3), 16384, available=int(4 * GB))


def test_a_context_is_never_longer_than_the_models(tiny_phi3: Path) -> None:
    longer, shorter = OnnxEngine(tiny_phi3, context=9000), OnnxEngine(tiny_phi3, context=500)

    assert longer.context_tokens == 4096
    assert shorter.context_tokens == 500
