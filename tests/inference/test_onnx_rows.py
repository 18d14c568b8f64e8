"""How many replies the onnx engine writes at once: by memory, by graph, and what a lost child costs."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.batching import BatchingRuntime
from inference.engines.onnxgenai.budget import Plan, plan_rows
from inference.engines.onnxgenai.folder import ModelFolder, read_folder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.engines.onnxgenai.graph import Graph
from inference.engines.onnxgenai.runtime import open_runtime
from inference.errors import EngineCrashed, EngineUnavailable
from inference.types import ChatMessage, Delta, Finish, GenerationRequest, Role

GB = 10**9


@pytest.fixture
def copied(tiny_phi3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_phi3, tmp_path / "model"))


def change_config(folder: Path, *keys: str, **changes: object) -> None:
    """Change one part of genai_config.json, named by its keys."""
    file = folder / "genai_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    part: dict[str, Any] = config
    for key in keys:
        part = part[key]
    part.update(changes)
    file.write_text(json.dumps(config), encoding="utf-8")


@pytest.fixture
def mini(tiny_phi3: Path, tmp_path: Path) -> tuple[ModelFolder, Graph]:
    """A Phi-3.5-mini as its description has it: 2.7 GB of weights, 0.75 MiB of KV a token."""
    weights = tmp_path / "model.onnx"
    with weights.open("wb") as file:
        file.truncate(2_700_000_000)  # sparse
    folder = read_folder(tiny_phi3)
    assert folder.graph
    graph = replace(folder.graph, file=weights, layers=32, kv_heads=32, head_size=96)
    return folder, graph


def ask(question: str, **options: object) -> GenerationRequest:
    given: dict[str, object] = {"messages": (ChatMessage(Role.USER, question),), "max_tokens": 120, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def read(engine: OnnxEngine, request: GenerationRequest) -> str:
    return "".join(event.text for event in engine.stream(request) if isinstance(event, Delta))


@pytest.mark.parametrize(
    ("available_gb", "rows", "tokens"),
    [
        (64, 8, 4096),
        (24, 4, 4096),
        (13.5, 4, 2048),
        (11, 2, 3072),
        (8, 2, 2048),
        (6.5, 1, 2048),
        (3, 1, 1024),
    ],
)
def test_rows_and_context_follow_the_memory_there_is(
    available_gb: float, rows: int, tokens: int, mini: tuple[ModelFolder, Graph]
) -> None:
    plan = plan_rows(*mini, available=int(available_gb * GB))

    assert (plan.rows, plan.context_tokens) == (rows, tokens)
    assert plan.kv_bytes == rows * tokens * 768 * 1024


@pytest.mark.parametrize(("memory_gb", "rows", "tokens"), [(20, 5, 4096), (10, 4, 2048), (4.5, 1, 1024)])
def test_a_memory_budget_holds_weights_and_rows(
    memory_gb: float, rows: int, tokens: int, mini: tuple[ModelFolder, Graph]
) -> None:
    plan = plan_rows(*mini, memory_gb=memory_gb)

    assert (plan.rows, plan.context_tokens) == (rows, tokens)
    assert plan.kv_bytes + mini[1].weight_bytes < memory_gb * GB


def test_fewer_rows_may_be_asked_for(mini: tuple[ModelFolder, Graph]) -> None:
    assert plan_rows(*mini, memory_gb=12, max_rows=2) == Plan(2, 4096, 2 * 4096 * 768 * 1024)


def test_a_model_that_sees_keeps_room_to_look(mini: tuple[ModelFolder, Graph], tmp_path: Path) -> None:
    folder, graph = mini
    seeing = replace(graph, beside=(tmp_path / "vision.onnx",))

    assert plan_rows(folder, seeing, memory_gb=20) == plan_rows(folder, graph, memory_gb=18.6)


def test_a_plan_says_what_it_takes(mini: tuple[ModelFolder, Graph]) -> None:
    assert str(plan_rows(*mini, memory_gb=20)) == "5 rows × 4096 tokens, 16.1 GB of KV cache"


def test_a_memory_budget_that_holds_no_row_is_refused_with_the_figures(
    mini: tuple[ModelFolder, Graph],
) -> None:
    with pytest.raises(EngineUnavailable, match=r"budget of 3 GB is too small .* 3\.24 GB .* 0\.81 GB"):
        plan_rows(*mini, memory_gb=3)


def test_replies_under_way_and_waiting_end_when_the_model_is_closed(tiny_phi3: Path) -> None:
    runtime = BatchingRuntime(read_folder(tiny_phi3), plan=Plan(1, 1024), threads=1)
    writing = runtime.stream(ask("Count to thirty."), on_step=lambda: time.sleep(0.1))
    next(writing)
    is_queued = threading.Event()
    ends: list[BaseException | None] = []

    def finish(events: Iterator[Delta | Finish]) -> None:
        with pytest.raises(EngineUnavailable, match="was closed") as raised:
            list(events)
        ends.append(raised.value)

    def look() -> bool:
        is_queued.set()
        return False

    waiting = runtime.stream(ask("Hello!"), should_stop=look)
    threads = [threading.Thread(target=finish, args=(one,), daemon=True) for one in (writing, waiting)]
    threads[1].start()
    assert is_queued.wait(10)
    runtime.close()
    threads[0].start()
    for thread in threads:
        thread.join(10)

    assert len(ends) == 2


def test_an_engine_without_room_for_a_row_is_not_built(tiny_phi3: Path) -> None:
    with pytest.raises(EngineUnavailable, match="raise the budget"):
        OnnxEngine(tiny_phi3, memory_gb=0.002)


def test_the_engine_has_as_many_slots_as_rows(tiny_phi3: Path) -> None:
    engine = OnnxEngine(tiny_phi3, max_rows=3)
    assert engine.slots == 3

    engine.load()

    assert engine.slots == 3
    engine.close()


def test_a_plain_graph_is_batched(tiny_phi3: Path) -> None:
    runtime = open_runtime(str(tiny_phi3), rows=2)

    assert isinstance(runtime, BatchingRuntime)
    assert runtime.slots == 2
    runtime.close()


@pytest.mark.parametrize(
    ("keys", "changes"),
    [
        (("search",), {"past_present_share_buffer": False}),
        (("model", "decoder"), {"sliding_window": {"window_size": 64}}),
        (("model", "decoder", "inputs"), {"seqlens_k": "seqlens_k"}),
    ],
)
def test_a_graph_of_another_shape_writes_one_reply_at_a_time(
    keys: tuple[str, ...], changes: dict[str, object], copied: Path
) -> None:
    change_config(copied, *keys, **changes)

    engine = OnnxEngine(copied)

    assert engine.slots == 1
    assert not BatchingRuntime.can_run(read_folder(copied))


def test_a_graph_that_is_not_as_described_falls_back_and_says_its_slots(copied: Path) -> None:
    add_input(copied / "model.onnx")
    engine = OnnxEngine(copied, max_rows=4)
    assert engine.slots == 4

    runtime = open_runtime(str(copied), rows=4)

    assert isinstance(runtime, GeneratorRuntime)
    assert runtime.slots == 1


def add_input(model: Path) -> None:
    """Give the graph one more input, which nothing uses."""
    import onnx

    loaded = onnx.load(model, load_external_data=False)
    loaded.graph.input.append(onnx.helper.make_tensor_value_info("extra", onnx.TensorProto.INT64, [1]))
    model.write_bytes(loaded.SerializeToString())


def test_the_second_runtime_writes_the_same_text(copied: Path) -> None:
    batching = OnnxEngine(copied)
    texts = [read(batching, ask("Count to thirty."))]
    batching.close()
    change_config(copied, "search", past_present_share_buffer=False)
    generator = OnnxEngine(copied)

    with ThreadPoolExecutor(3) as pool:
        texts += pool.map(lambda _: read(generator, ask("Count to thirty.")), range(3))

    assert len(set(texts)) == 1
    assert texts[0].startswith("one")
    generator.close()


def test_a_model_made_for_a_gpu_says_so_where_there_is_none(copied: Path) -> None:
    import onnxruntime_genai as og

    if og.is_cuda_available():
        pytest.skip("a GPU can be used here")
    change_config(copied, "model", "decoder", session_options={"provider_options": [{"cuda": {}}]})
    engine = OnnxEngine(copied)

    with pytest.raises(EngineUnavailable, match="made for an NVIDIA GPU"):
        engine.load()
    engine.close()


def test_a_child_killed_in_mid_batch_fails_all_its_replies_and_the_next_one_is_served(
    tiny_phi3: Path,
) -> None:
    engine = OnnxEngine(tiny_phi3, max_rows=4)
    engine.load()
    first_pid = engine.host.pid
    assert first_pid
    writer = engine.stream(ask("Anything?", temperature=5.0, max_tokens=3000, seed=11))
    assert isinstance(next(writer), Delta)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, engine, ask(f"{number} " + "lamp " * 700)) for number in range(4)]
        next(writer)
        os.kill(first_pid, signal.SIGKILL)
        errors = [reader.exception() for reader in readers]

    assert all(isinstance(error, EngineCrashed) for error in errors)
    with pytest.raises(EngineCrashed):
        list(writer)
    assert read(engine, ask("Count to thirty.")).startswith("one")
    assert engine.host.pid != first_pid
    engine.close()


def test_cached_tokens_reach_the_caller(tiny_phi3: Path) -> None:
    engine = OnnxEngine(tiny_phi3)

    *_, first = engine.stream(ask("Count to thirty."))
    *_, second = engine.stream(ask("Count to thirty."))

    assert isinstance(first, Finish)
    assert isinstance(second, Finish)
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens == second.usage.prompt_tokens - 2
    engine.close()
