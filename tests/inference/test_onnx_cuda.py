"""The runtimes for GPUs. og.Engine runs on a CPU as well, in fixed batches, so most of it is tested here.

What needs a GPU is skipped without one; `make check-gpu` runs it on a machine that has one.
"""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnxruntime_genai as og
import pytest

from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.engine_runtime import EngineRuntime
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.engines.onnxgenai.providers import is_qnn_here
from inference.engines.onnxgenai.runtime import open_runtime
from inference.errors import BadRequest, CannotContinue, ContextTooLong, EngineUnavailable, ModelBroken
from inference.export.tiny_phi3.dialogues import ALL
from inference.export.tiny_phi3.train import prompt_of
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Guidance,
    GuidanceKind,
    Role,
    ShouldStop,
    never_stop,
)
from tests.inference import longrope_folder
from tests.inference.longrope_folder import CLIFF, LONGEST

needs_gpu = pytest.mark.skipif(not og.is_cuda_available(), reason="no NVIDIA GPU here: make check-gpu on one")
Runtime = EngineRuntime | GeneratorRuntime


def ask(question: str = "Count to thirty.", **options: object) -> GenerationRequest:
    given: dict[str, object] = {"messages": (ChatMessage(Role.USER, question),), "max_tokens": 60, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def read(
    runtime: Runtime, request: GenerationRequest, should_stop: ShouldStop = never_stop
) -> tuple[str, Finish]:
    *deltas, finish = runtime.stream(request, should_stop=should_stop)
    assert isinstance(finish, Finish)
    return "".join(event.text for event in deltas if isinstance(event, Delta)), finish


@pytest.fixture(scope="module")
def engine(tiny_phi3: Path) -> Iterator[EngineRuntime]:
    runtime = EngineRuntime(read_folder(tiny_phi3), plan=Plan(4, 4096), threads=1)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def generator(tiny_phi3: Path) -> GeneratorRuntime:
    return GeneratorRuntime(read_folder(tiny_phi3), plan=Plan(1, 4096), threads=1)


@pytest.fixture
def copied(tiny_phi3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_phi3, tmp_path / "tiny-phi3-gpu"))


def made_for(folder: Path, provider: str, *, is_paged: bool = False) -> Path:
    """Have a folder say that it was made for an accelerator."""
    path = folder / "genai_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["model"]["decoder"]["session_options"]["provider_options"] = [{provider: {}}]
    if is_paged:
        config["engine"] = {"dynamic_batching": {"block_size": 256}}
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_every_reply_is_the_generators(engine: EngineRuntime, generator: GeneratorRuntime) -> None:
    for dialogue in ALL:
        request = GenerationRequest(tuple(prompt_of(dialogue)), max_tokens=200)

        text, finish = read(engine, request)

        assert text == dialogue.turns[-1].answer
        assert (text, finish) == read(generator, request)


def test_more_replies_than_the_engine_takes_at_once_are_all_written(engine: EngineRuntime) -> None:
    requests = [GenerationRequest(tuple(prompt_of(dialogue)), max_tokens=200) for dialogue in ALL[:10]]

    with ThreadPoolExecutor(10) as together:
        texts = [text for text, _ in together.map(lambda request: read(engine, request), requests)]

    assert engine.slots == 4
    assert texts == [dialogue.turns[-1].answer for dialogue in ALL[:10]]


def test_a_repetition_penalty_is_the_generators(engine: EngineRuntime, generator: GeneratorRuntime) -> None:
    request = ask("boots and lamps", repetition_penalty=1.4)

    assert read(engine, request) == read(generator, request)


def test_a_reply_that_reaches_its_length_says_so(engine: EngineRuntime) -> None:
    finish = read(engine, ask(max_tokens=7))[1]

    assert finish.reason is FinishReason.LENGTH
    assert finish.usage.completion_tokens == 7


def test_a_stop_string_ends_the_reply_and_is_no_part_of_it(engine: EngineRuntime) -> None:
    text, finish = read(engine, ask(stop=("four",)))

    assert finish.reason is FinishReason.STOP
    assert text.startswith("one")
    assert text.rstrip(", ").endswith("three")


def test_drawn_replies_differ(engine: EngineRuntime) -> None:
    assert len({read(engine, ask(temperature=4.0))[0] for _ in range(3)}) == 3


def test_a_cancelled_reply_ends_and_its_place_is_free(engine: EngineRuntime) -> None:
    looks = iter(range(6))

    text, finish = read(engine, ask(), lambda: next(looks, None) is None)

    assert finish.reason is FinishReason.CANCELLED
    assert len(text) < len(read(engine, ask())[0])


def test_closed_streams_give_their_places_back(engine: EngineRuntime) -> None:
    for _ in range(6):
        stream = engine.stream(ask(max_tokens=400))
        next(stream)
        stream.close()  # type: ignore[attr-defined]

    assert read(engine, ask())[0].startswith("one")


def test_a_late_reply_is_written_beside_the_first(engine: EngineRuntime, generator: GeneratorRuntime) -> None:
    first = engine.stream(ask())
    begun = [next(first), next(first)]

    late = read(engine, ask("Hello!"))

    text = "".join(event.text for event in [*begun, *first] if isinstance(event, Delta))
    assert text == read(generator, ask())[0]
    assert late == read(generator, ask("Hello!"))


def test_a_reply_is_held_to_an_expression(engine: EngineRuntime) -> None:
    guidance = Guidance(GuidanceKind.REGEX, "(red|blue) [0-9]{3}")

    text, finish = read(engine, ask(guidance=guidance))

    assert finish.reason is FinishReason.STOP
    assert re.fullmatch(guidance.pattern, text)


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"guidance": Guidance(GuidanceKind.REGEX, "(red")}, BadRequest),
        ({"guidance": Guidance(GuidanceKind.JSON_SCHEMA, "[]")}, BadRequest),
        ({"guidance": Guidance(GuidanceKind.REGEX, "red\ud800")}, BadRequest),
        ({"guidance": Guidance(GuidanceKind.REGEX, "red"), "prefix": "r"}, CannotContinue),
        ({"temperature": -1.0}, BadRequest),
        ({"temperature": 1.0, "seed": 1}, BadRequest),  # og.Engine takes seeds for paged models alone
        ({"max_tokens": 5000}, ContextTooLong),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_next_is_served(
    options: dict[str, object], refused: type[Exception], engine: EngineRuntime
) -> None:
    with pytest.raises(refused):
        read(engine, ask("Count to thirty.", **options))

    assert read(engine, ask())[0].startswith("one")


def test_a_reply_goes_on_after_its_beginning(engine: EngineRuntime) -> None:
    whole = read(engine, ask())[0]
    begun = whole[: whole.index("four")].rstrip()

    assert (begun + read(engine, ask(prefix=begun, max_tokens=400))[0]).startswith(whole)


def test_a_step_that_fails_ends_its_replies_and_not_the_engine(
    engine: EngineRuntime, generator: GeneratorRuntime
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("as asked")

    with pytest.raises(Exception, match="as asked"):
        list(engine.stream(ask(), on_step=fail))

    assert read(engine, ask()) == read(generator, ask())


def test_the_setting_chooses_the_runtime(tiny_phi3: Path) -> None:
    engine = OnnxEngine(tiny_phi3, runtime="engine")

    engine.load()
    texts = [event.text for event in engine.stream(ask()) if isinstance(event, Delta)]
    slots = engine.slots
    engine.close()

    assert slots == 4
    assert "".join(texts).startswith("one")


@pytest.mark.skipif(og.is_cuda_available(), reason="there is a GPU here")
@pytest.mark.parametrize("is_paged", [True, False])
def test_a_folder_for_a_gpu_says_that_there_is_none(is_paged: bool, copied: Path) -> None:
    engine = OnnxEngine(made_for(copied, "cuda", is_paged=is_paged))

    with pytest.raises(EngineUnavailable, match="tiny-phi3-gpu was made for an NVIDIA GPU"):
        engine.load()
    engine.close()


@pytest.mark.skipif(is_qnn_here(), reason="there is an NPU here")
def test_a_folder_for_an_npu_says_that_there_is_none(copied: Path) -> None:
    engine = OnnxEngine(made_for(copied, "qnn"))

    with pytest.raises(EngineUnavailable, match="made for a Qualcomm NPU"):
        engine.load()
    engine.close()


def test_a_folder_for_a_gpu_is_not_batched_on_the_cpu(copied: Path) -> None:
    with pytest.raises(ModelBroken, match="ONNX_RUNTIME is batching"):
        open_runtime(str(made_for(copied, "cuda")), runtime="batching")


def test_a_longer_context_is_refused_where_it_would_be_wrong(copied: Path) -> None:
    config = json.loads((copied / "genai_config.json").read_text(encoding="utf-8"))
    config["model"]["context_length"] = 131072
    (copied / "genai_config.json").write_text(json.dumps(config), encoding="utf-8")
    made_for(copied, "cuda", is_paged=True)
    with (copied / "model.onnx").open("ab") as graph:
        graph.write(b"cos_cache_large")

    with pytest.raises(EngineUnavailable, match="4096 tokens of context here and not 9000"):
        OnnxEngine(copied, context=9000)
    with pytest.raises(EngineUnavailable, match="MODEL_CONTEXT to 0"):
        OnnxEngine(made_for(copied, "dml"), context=9000)


@pytest.mark.xdist_group("longrope")
@pytest.mark.parametrize(("words", "new_tokens"), [(5, 100), (10, 60), (15, 60), (40, 40)])
def test_the_generator_crosses_the_cliff_as_the_batching_runtime_does(
    words: int, new_tokens: int, longrope_folders: tuple[Path, Path]
) -> None:
    request = ask("lamp " * words, max_tokens=new_tokens)
    one = GeneratorRuntime(read_folder(longrope_folders[1]), plan=Plan(1, LONGEST, cliff=CLIFF), threads=1)
    batching = open_runtime(str(longrope_folders[1]), 1, 1, CLIFF, CLIFF, LONGEST)

    *deltas, finish = batching.stream(request)

    text = "".join(event.text for event in deltas if isinstance(event, Delta))
    assert read(one, request) == (text, finish)
    assert isinstance(finish, Finish)
    assert finish.usage.prompt_tokens + finish.usage.completion_tokens > CLIFF


@pytest.fixture(scope="module")
def gpu_folders(tiny_phi3: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small Phi-3 for CUDA: paged, and not."""
    to = tmp_path_factory.mktemp("cuda")
    return longrope_folder.build_for_cuda(tiny_phi3, to, is_paged=True), longrope_folder.build_for_cuda(
        tiny_phi3, to, is_paged=False
    )


@needs_gpu
def test_on_a_gpu_a_paged_model_is_batched(gpu_folders: tuple[Path, Path]) -> None:
    runtime = open_runtime(str(gpu_folders[0]))
    assert isinstance(runtime, EngineRuntime)
    requests = [ask("lamp " * words, max_tokens=20) for words in range(1, 9)]

    with ThreadPoolExecutor(8) as together:
        at_once = list(together.map(lambda request: read(runtime, request), requests))

    assert runtime.slots >= 8
    assert all(finish.usage.completion_tokens > 0 for _, finish in at_once)
    drawn = [read(runtime, ask(temperature=2.0, seed=seed))[0] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    runtime.close()


@needs_gpu
def test_on_a_gpu_the_first_token_is_the_same_paged_or_not(gpu_folders: tuple[Path, Path]) -> None:
    paged, plain = open_runtime(str(gpu_folders[0])), open_runtime(str(gpu_folders[1]))
    assert isinstance(paged, EngineRuntime)
    assert isinstance(plain, GeneratorRuntime)

    for words in range(1, 9):
        request = ask("lamp " * words, max_tokens=1)
        assert read(paged, request) == read(plain, request)
    paged.close()
