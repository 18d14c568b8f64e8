"""The onnx engine on the tiny Phi-3: what it says, what it refuses, and what broken folders do."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.folder import read_folder
from inference.errors import (
    BadRequest,
    ContextTooLong,
    EngineCrashed,
    EngineTimeout,
    ModelBroken,
    ModelNotFound,
)
from inference.export.tiny_phi3.dialogues import ALL, GROUNDED, PLAIN_CHAT
from inference.export.tiny_phi3.train import prompt_of
from inference.types import ChatMessage, Delta, Finish, FinishReason, GenerationRequest, Role


@pytest.fixture(scope="module")
def engine(tiny_phi3: Path) -> Iterator[OnnxEngine]:
    engine = OnnxEngine(tiny_phi3, hang_after_s=4.0)
    yield engine
    engine.close()


@pytest.fixture
def copied(tiny_phi3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_phi3, tmp_path / "model"))


def read(engine: OnnxEngine, request: GenerationRequest) -> str:
    return "".join(event.text for event in engine.stream(request) if isinstance(event, Delta))


def ask(question: str, **options: object) -> GenerationRequest:
    given: dict[str, object] = {"messages": (ChatMessage(Role.USER, question),), "max_tokens": 120, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def test_every_dialogue_is_answered_as_learned(engine: OnnxEngine) -> None:
    for dialogue in ALL:
        request = GenerationRequest(tuple(prompt_of(dialogue)), max_tokens=300)

        assert read(engine, request) == dialogue.turns[-1].answer


def test_more_than_half_of_the_dialogues_are_grounded() -> None:
    assert len(GROUNDED) > len(PLAIN_CHAT)


def test_its_name_is_the_folders(engine: OnnxEngine, tmp_path: Path, tiny_phi3: Path) -> None:
    nested = tmp_path / "Phi-3.5-mini-instruct-onnx" / "cpu_and_mobile" / "cpu-int4"
    shutil.copytree(tiny_phi3, nested)

    assert engine.model == "tiny-phi3"
    assert read_folder(nested).label == "Phi-3.5-mini-instruct-onnx"


def test_prompt_and_answer_must_fit_into_the_context(engine: OnnxEngine) -> None:
    with pytest.raises(ContextTooLong):
        read(engine, ask("Hello!", max_tokens=engine.context_tokens))

    assert engine.context_tokens == 4096


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_k": -1},
        {"repetition_penalty": 0.0},
        {"seed": -1},
        {"messages": ()},
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, object], engine: OnnxEngine) -> None:
    with pytest.raises(BadRequest):
        read(engine, ask("Hello!", **options))


def test_sampling_with_a_seed_repeats(engine: OnnxEngine) -> None:
    request = ask("Anything?", temperature=3.0, top_k=0, seed=7, max_tokens=12)

    assert read(engine, request) == read(engine, request)


def test_a_prompt_read_in_several_chunks_gets_the_same_answer(engine: OnnxEngine) -> None:
    dialogue = next(one for one in GROUNDED if len(one.turns) == 2)
    messages = prompt_of(dialogue)

    assert engine.count_tokens(messages) > 3 * 64
    assert read(engine, GenerationRequest(tuple(messages))) == dialogue.turns[-1].answer


def test_a_cancelled_prompt_is_not_read_to_its_end(engine: OnnxEngine) -> None:
    asked: list[bool] = []

    def stop_at_the_second_look() -> bool:
        asked.append(True)
        return len(asked) > 1

    request = ask("lamp " * 800)
    events = list(engine.stream(request, should_stop=stop_at_the_second_look))

    assert isinstance(events[-1], Finish)
    assert events[-1].reason is FinishReason.CANCELLED


def test_a_frozen_child_is_replaced(engine: OnnxEngine) -> None:
    engine.load()
    pid = engine.host.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(EngineTimeout):
        read(engine, ask("Hello!"))

    assert read(engine, ask("Count to thirty.")).startswith("one")
    assert engine.host.pid != pid


def test_a_killed_child_is_replaced(engine: OnnxEngine) -> None:
    engine.load()
    assert engine.host.pid
    os.kill(engine.host.pid, signal.SIGKILL)

    with suppress(EngineCrashed):  # the request met the child before its death was noticed
        read(engine, ask("Count to thirty."))

    assert read(engine, ask("Count to thirty.")).startswith("one")


def test_a_template_without_a_system_role_gets_the_instructions_in_the_first_question(copied: Path) -> None:
    described = json.loads((copied / "tokenizer_config.json").read_text(encoding="utf-8"))
    described["chat_template"] = described["chat_template"].replace("'system', ", "")
    (copied / "tokenizer_config.json").write_text(json.dumps(described), encoding="utf-8")
    question = ChatMessage(Role.USER, "Hello!")
    engine = OnnxEngine(copied)

    alone = engine.count_tokens([question])
    instructed = engine.count_tokens([ChatMessage(Role.SYSTEM, "Answer in verse."), question])
    engine.close()

    assert instructed > alone + 3


def test_a_folder_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        OnnxEngine(tmp_path / "nowhere")


def test_a_folder_of_something_else_is_broken(tmp_path: Path) -> None:
    (tmp_path / "phi.gguf").write_bytes(b"GGUF")

    with pytest.raises(ModelBroken):
        OnnxEngine(tmp_path)


@pytest.mark.parametrize("name", ["genai_config.json", "tokenizer.json", "model.onnx"])
def test_a_folder_without_one_of_its_files_is_broken(name: str, copied: Path) -> None:
    (copied / name).unlink()

    with pytest.raises(ModelBroken):
        OnnxEngine(copied)


@pytest.mark.parametrize("name", ["genai_config.json", "tokenizer.json"])
def test_a_half_written_description_is_broken(name: str, copied: Path) -> None:
    whole = (copied / name).read_bytes()
    (copied / name).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ModelBroken):
        OnnxEngine(copied)


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer_config.json"])
def test_a_half_copied_model_is_broken_once_it_is_loaded(name: str, copied: Path) -> None:
    whole = (copied / name).read_bytes()
    (copied / name).write_bytes(whole[: len(whole) // 2])
    engine = OnnxEngine(copied)

    with pytest.raises(ModelBroken):
        engine.load()
    with pytest.raises(ModelBroken):
        read(engine, ask("Hello!"))

    assert not engine.health().is_ready
    engine.close()


def test_a_model_without_its_weights_is_broken(copied: Path) -> None:
    (copied / "model.onnx.data").unlink()
    engine = OnnxEngine(copied)

    with pytest.raises(ModelBroken):
        engine.load()
    engine.close()


def test_a_folder_that_disappears_is_said_by_health(copied: Path) -> None:
    engine = OnnxEngine(copied)
    shutil.rmtree(copied)

    assert not engine.health().is_ready


def test_the_site_never_imports_the_runtime(tiny_phi3: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from inference.engines.onnx import OnnxEngine
engine = OnnxEngine(Path({str(tiny_phi3)!r}))
engine.load()
engine.close()
assert not {{"onnxruntime", "onnxruntime_genai", "numpy", "django"}} & set(sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_fixture_is_what_its_manifest_says(tiny_phi3: Path) -> None:
    from inference.export.minilm import sha256_of

    manifest = json.loads((tiny_phi3 / "manifest.json").read_text(encoding="utf-8"))
    files = {file.name: sha256_of(file) for file in tiny_phi3.iterdir() if file.name != "manifest.json"}

    assert files == manifest["sha256"]
    assert sum(file.stat().st_size for file in tiny_phi3.iterdir()) < 2_000_000
