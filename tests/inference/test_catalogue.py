"""The Phi family as data, and what each engine can do with each model."""

from pathlib import Path

import pytest

from inference.abilities import ENGINES, abilities, ability
from inference.catalogue import catalogue
from inference.errors import ModelNotFound, ServiceRetired
from inference.installed import find_folders, find_ollama, folder_of
from tests.inference.servers.ollama_like import lists, ollama_server
from tests.inference.servers.wire import free_port

MODELS = catalogue().models


def test_the_whole_family_is_listed_once() -> None:
    ids = [model.id for model in MODELS]

    assert len(ids) == len(set(ids)) == 18
    for part in (
        "phi-3-mini",
        "phi-3-small",
        "phi-3-medium",
        "phi-3-vision",
        "phi-3.5-moe",
        "phi-4-multimodal",
    ):
        assert any(part in one for one in ids)


@pytest.mark.parametrize("name", ["phi3.5", "PHI-3.5-mini-instruct", "microsoft/Phi-3.5-mini-instruct"])
def test_a_model_is_found_by_its_names(name: str) -> None:
    assert catalogue().find(name).id == "phi-3.5-mini-instruct"


def test_a_name_that_is_unknown_brings_the_near_ones() -> None:
    with pytest.raises(ModelNotFound, match=r"phi-3\.5-mini-instruct"):
        catalogue().find("phi-3.5")


def test_a_retired_service_is_said_with_what_to_use_instead() -> None:
    with pytest.raises(ServiceRetired, match=r"2026-07-30 .* Foundry"):
        catalogue().find("github models")


def test_facts_are_those_that_were_published() -> None:
    mini = catalogue().find("phi-3.5-mini-instruct")

    assert mini.kv_bytes_per_token == 384 * 1024
    assert mini.context_tokens == 131072
    assert mini.tokenizer is not None
    assert mini.tokenizer.specials["<|end|>"] == 32007
    assert "Hebrew" in mini.languages


def test_a_model_without_a_system_role_says_so() -> None:
    template = catalogue().find("phi-3-medium-4k-instruct").template

    assert template is not None
    assert not template.has_system_role


def test_every_engine_says_something_of_every_model() -> None:
    for model in MODELS:
        for said in abilities(model):
            assert said.sentence.endswith(".")
            assert said.can_run is not False or (model.id in said.sentence and not said.command)


@pytest.mark.parametrize(
    ("name", "engine", "words"),
    [
        ("phi-3-small-8k-instruct", "transformers", "no class for it"),
        ("phi-3.5-vision-instruct", "transformers", "no class for it"),
        ("phi-3-vision-128k-instruct", "transformers", "no class for it"),
        ("phi-3.5-moe-instruct", "onnx", "mixture of experts"),
        ("phi-3.5-moe-instruct", "ollama", "no tag"),
        ("phi-4-multimodal-instruct", "onnx", "no ears"),
        ("phi-4", "openvino", "no OpenVINO folder"),
    ],
)
def test_an_engine_that_cannot_run_a_model_says_why_and_names_another(
    name: str, engine: str, words: str
) -> None:
    said = ability(catalogue().find(name), engine)

    assert said.can_run is False
    assert words in said.sentence
    assert any(f" {other}" in said.sentence.rpartition("Use")[2] for other in ENGINES if other != engine)


@pytest.mark.parametrize("name", ["phi-3-vision-128k-instruct", "phi-3.5-vision-instruct"])
def test_a_model_that_sees_runs_on_the_cpu_and_says_so(name: str) -> None:
    said = ability(catalogue().find(name), "onnx")

    assert said.can_run
    assert "on the CPU, CUDA too and sees pictures" in said.sentence


def test_a_model_for_gpus_alone_says_so() -> None:
    said = ability(catalogue().find("phi-3-small-8k-instruct"), "onnx")

    assert "NVIDIA GPU" in said.sentence
    assert said.command.endswith("--device cuda")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("models/Phi-3.5-mini-instruct-onnx/cpu_and_mobile/cpu-int4-awq", "phi-3.5-mini-instruct"),
        ("models/phi-4", "phi-4"),
        ("models/phi-4-mini-instruct-cuda", "phi-4-mini-instruct"),
        ("models/tiny-phi3", ""),
    ],
)
def test_a_folder_is_known_by_its_name(path: str, model: str) -> None:
    found = catalogue().guess(Path(path))

    assert (found.id if found else "") == model


def test_folders_are_found_whole_and_broken(tiny_phi3: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "phi-4").mkdir(parents=True)
    (models / "phi-4" / "genai_config.json").write_text("{}")

    found = {one.place: one for one in find_folders(models, {"onnx": str(tiny_phi3)})}

    assert found[str(tiny_phi3)].is_ready
    assert found[str(tiny_phi3)].model == ""
    assert not found[str(models / "phi-4")].is_ready
    assert found[str(models / "phi-4")].detail
    assert folder_of(catalogue().find("phi-4"), list(found.values())) == models / "phi-4"


def test_an_ollama_server_is_asked_for_its_phi_models() -> None:
    with ollama_server(
        listing=lists("phi3.5:latest", "phi4-mini:3.8b-q4_K_M", "llama3:8b", "phi-mine")
    ) as server:
        found = find_ollama(server.url)

    assert [(one.place, one.model) for one in found] == [
        ("phi3.5:latest", "phi-3.5-mini-instruct"),
        ("phi4-mini:3.8b-q4_K_M", "phi-4-mini-instruct"),
        ("phi-mine", ""),
    ]


def test_an_ollama_server_that_is_not_there_has_nothing() -> None:
    assert find_ollama(f"http://127.0.0.1:{free_port()}") == []


@pytest.mark.parametrize(
    ("name", "tag"), [("phi4-mini:3.8b-q8_0", "phi4-mini:3.8b-q8_0"), ("phi-4-mini-instruct", "phi4-mini")]
)
def test_an_ollama_tag_that_was_written_is_the_one_that_is_meant(name: str, tag: str) -> None:
    assert catalogue().find(name).ollama_tag(name) == tag
