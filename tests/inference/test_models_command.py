"""`manage.py models`: list, show, pull, check and bench, for people and as JSON Lines."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from inference.benchmarking import Floor
from inference.catalogue import catalogue
from tests.environment import ROOT
from tests.inference.servers.hub_like import HubServer, hub_server
from tests.inference.servers.ollama_like import lists, ollama_server, says

MODEL = catalogue().find("phi-3.5-mini-instruct")
SOURCE = MODEL.onnx[0]
LITTLE = ("--memory-mb", "32")
DATA = f"{SOURCE.path}/model.onnx.data"


@pytest.fixture
def copied(tiny_phi3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_phi3, tmp_path / "model"))


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    settings.OLLAMA_URL = "off"
    settings.MODEL_PATH = ""
    return tmp_path / "data"


@pytest.fixture
def hub(tiny_phi3: Path) -> Iterator[HubServer]:
    files = {f"{SOURCE.path}/{file.name}": file.read_bytes() for file in tiny_phi3.iterdir()}
    with hub_server(SOURCE.repo, files) as server:
        yield server


def models(*arguments: object, **options: object) -> str:
    output = StringIO()
    call_command("models", *map(str, arguments), stdout=output, stderr=StringIO(), **options)
    return output.getvalue()


def rows(*arguments: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in models(*arguments, "--json").splitlines()]


def failed_step(folder: Path) -> tuple[str, str]:
    """Check a folder that is not in order; the last step, and its advice."""
    output = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("models", "check", str(folder), "--json", stdout=output)
    assert ended.value.code == 1
    *good, last = [json.loads(line) for line in output.getvalue().splitlines()]
    assert all(step["ok"] for step in good)
    assert not last["ok"]
    return last["step"], last["advice"]


def test_list_gives_a_row_for_every_model_and_one_for_what_is_retired() -> None:
    listed = rows("list")

    assert [row["model"] for row in listed if "model" in row] == [model.id for model in catalogue().models]
    assert listed[-1]["retired"] == "github-models"
    assert not any(row.get("is_ready") for row in listed)


def test_list_tells_what_is_installed(copied: Path, data_dir: Path, settings: Settings) -> None:
    shutil.copytree(copied, data_dir / "models" / MODEL.id)

    with ollama_server() as server:
        settings.OLLAMA_URL = server.url
        row = next(row for row in rows("list") if row["model"] == MODEL.id)

    assert row["is_ready"]
    assert [(one["engine"], one["is_ready"]) for one in row["installed"]] == [  # type: ignore[attr-defined]
        ("onnx", True),
        ("ollama", True),
    ]


def test_list_says_in_sentences_what_cannot_run() -> None:
    text = models("list")

    assert "phi-3.5-moe-instruct cannot run on onnx" in text
    assert "GitHub Models was shut down" in text


def test_show_gives_template_control_tokens_and_the_command_to_install() -> None:
    text, (row,) = models("show", "phi3.5"), rows("show", "phi3.5")

    assert "<|end|> 32007" in text
    assert "python manage.py models pull phi-3.5-mini-instruct" in text
    assert row["model"] == MODEL.id
    assert row["template"]["user"] == "<|user|>\n{content}<|end|>\n"  # type: ignore[index]


@pytest.mark.parametrize(
    "arguments",
    [["show"], ["pull"], ["pull", "phi3.5", "--engine", "x"], ["bench", "phi3.5", "--streams", "0"]],
)
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    with pytest.raises(CommandError) as raised:
        models(*arguments)

    assert raised.value.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "gpt"], "model_not_found"),
        (["show", "github-models"], "service_retired"),
        (["pull", "phi-3.5-moe-instruct"], "pull_impossible"),
        (["pull", "phi-3-small-8k-instruct"], "pull_impossible"),
        (["pull", "phi3.5", "--engine", "ollama"], "pull_impossible"),
        (["check", "phi3.5"], "model_not_found"),
    ],
)
def test_a_failure_has_status_1_a_code_and_a_sentence(arguments: list[str], code: str) -> None:
    output = StringIO()

    with pytest.raises(CommandError) as raised:
        call_command("models", *arguments, "--json", stdout=output)

    assert raised.value.returncode == 1
    told = json.loads(output.getvalue())
    assert (told["event"], told["code"], told["message"]) == ("error", code, str(raised.value))


def test_a_whole_model_passes_every_step(tiny_phi3: Path) -> None:
    steps = rows("check", tiny_phi3)

    assert [(step["step"], step["ok"]) for step in steps] == [
        (name, True)
        for name in ("files", "checksums", "special_tokens", "template", "load", "render", "token", "guided")
    ]


def test_the_sites_own_model_shows_what_it_can_do_as_well(tiny_phi3v: Path, settings: Settings) -> None:
    settings.MODEL_PATH, settings.ENGINE = str(tiny_phi3v), "onnx"

    steps = rows("check")

    assert [step["step"] for step in steps if step["ok"]] == ["load", "render", "token", "picture", "guided"]


def test_a_folder_is_checked_with_the_settings_though_the_site_has_none(
    copied: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.MODEL_PATH, settings.DATA_DIR, settings.MODEL_CONTEXT = "", tmp_path / "empty", 1024

    details = [step["detail"] for step in rows("check", copied) if step["step"] == "load"]

    assert len(details) == 1
    assert str(details[0]).endswith("1024 tokens of context.")


def test_a_missing_file_fails_the_first_step(copied: Path) -> None:
    (copied / "model.onnx.data").unlink()

    step, advice = failed_step(copied)

    assert step == "files"
    assert "again" in advice


def test_a_folder_that_is_not_there_fails_the_first_step(tmp_path: Path) -> None:
    step, advice = failed_step(tmp_path / "nothing")

    assert step == "files"
    assert "Check the path" in advice


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("phi.gguf", "Ollama or llama.cpp"),
        ("model.safetensors", "--engine transformers"),
        ("openvino_model.xml", "--engine openvino"),
    ],
)
def test_a_folder_in_another_format_names_the_engine_that_runs_it(
    name: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"x")

    step, told = failed_step(tmp_path)

    assert step == "files"
    assert advice in told


def test_a_folder_that_is_half_downloaded_is_fetched_again(copied: Path) -> None:
    (copied / "model.onnx.data.incomplete").touch()

    step, advice = failed_step(copied)

    assert step == "files"
    assert "again" in advice


def test_one_changed_byte_fails_the_checksums(copied: Path) -> None:
    content = bytearray((copied / "model.onnx.data").read_bytes())
    content[1000] ^= 1
    (copied / "model.onnx.data").write_bytes(content)

    assert failed_step(copied)[0] == "checksums"


def test_files_of_another_model_fail_the_control_tokens(tiny_phi3: Path, data_dir: Path) -> None:
    shutil.copytree(tiny_phi3, data_dir / "models" / MODEL.id)

    step, advice = failed_step(data_dir / "models" / MODEL.id)

    assert step == "special_tokens"
    assert f"models pull {MODEL.id}" in advice


def test_a_folder_without_a_template_fails_there(copied: Path) -> None:
    (copied / "manifest.json").unlink()
    config = json.loads((copied / "tokenizer_config.json").read_text())
    del config["chat_template"]
    (copied / "tokenizer_config.json").write_text(json.dumps(config))

    assert failed_step(copied)[0] == "template"


def test_weights_that_are_cut_fail_to_load(copied: Path) -> None:
    (copied / "manifest.json").unlink()
    (copied / "model.onnx").write_bytes((copied / "model.onnx").read_bytes()[:5000])

    assert failed_step(copied)[0] == "load"


def test_bench_prints_the_floor_and_every_number_of_streams(tiny_phi3: Path) -> None:
    machine, *runs = rows("bench", tiny_phi3, "--prompt-tokens", "64", "--tokens", "16", *LITTLE)

    assert machine["event"] == "machine"
    assert {"read_gb_s", "threads", "weights_gb", "floor_ms_per_token", "load_s", "slots"} <= machine.keys()
    assert [run["streams"] for run in runs] == [1, 2, 4, 8]
    for run in runs:
        assert {
            "first_token_s",
            "prefill_tokens_per_s",
            "decode_tokens_per_s",
            "ratio_to_floor",
        } <= run.keys()
        assert run["completion_tokens"]


def test_bench_measures_as_many_streams_as_asked(tiny_phi3: Path) -> None:
    text = models("bench", tiny_phi3, "--streams", "2", "--tokens", "8", "--prompt-tokens", "32", *LITTLE)

    assert "GB/s" in text
    assert text.splitlines()[-1].split()[0] == "2"
    assert text.splitlines()[-2].startswith("streams")


def test_a_busy_machine_is_said_to_be_one() -> None:
    assert Floor(20.0, threads=2, weights_gb=1.0, busy=1.5).is_disturbed
    assert not Floor(20.0, threads=2, weights_gb=1.0, busy=0.9).is_disturbed


def test_a_model_of_an_ollama_server_is_checked_and_measured(settings: Settings) -> None:
    with ollama_server() as server:
        settings.OLLAMA_URL = server.url

        steps = rows("check", "phi3.5", "--engine", "ollama")
        machine, *runs = rows("bench", "phi3.5", "--engine", "ollama", "--streams", "1", *LITTLE)

    assert [step["ok"] for step in steps] == [True, True, True]
    assert machine["floor_ms_per_token"] is None
    assert runs[0]["ratio_to_floor"] is None


@pytest.mark.parametrize("engine", ["extractive", "paced"])
def test_an_engine_without_files_is_checked_all_the_same(engine: str) -> None:
    assert [step["ok"] for step in rows("check", "--engine", engine)] == [True, True, True]


def test_a_server_without_the_model_says_what_to_do_there(settings: Settings) -> None:
    output = StringIO()
    with ollama_server(listing=lists("llama3:8b")) as server:
        settings.OLLAMA_URL = server.url
        with pytest.raises(SystemExit):
            call_command("models", "check", "phi3.5", "--engine", "ollama", "--json", stdout=output)

    told = json.loads(output.getvalue())
    assert (told["step"], told["ok"]) == ("load", False)
    assert "ollama pull phi3.5" in told["detail"]


def test_pull_has_an_ollama_server_pull(settings: Settings) -> None:
    with ollama_server(says('{"status": "pulling manifest"}\n', '{"status": "success"}\n')) as server:
        settings.OLLAMA_URL = server.url

        told = rows("pull", "phi3.5", "--engine", "ollama")

    assert told[-1] == {
        "event": "done",
        "model": MODEL.id,
        "engine": "ollama",
        "place": "phi3.5",
        "is_new": True,
    }


def pull_from(hub: HubServer, data_dir: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "models", "pull", MODEL.id, *options],
        env=os.environ | {"HF_ENDPOINT": hub.url, "DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """Undo what a shell does to its background jobs: they, and all they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_pull_prints_json_lines_alone_and_makes_the_folder(hub: HubServer, data_dir: Path) -> None:
    child = pull_from(hub, data_dir, "--json")
    output, errors = child.communicate(timeout=60)

    told = [json.loads(line) for line in output.splitlines()]
    assert child.returncode == 0, errors
    assert {row["event"] for row in told} == {"progress", "done"}
    assert Path(told[-1]["place"]) == (data_dir / "models" / MODEL.id).resolve()
    assert (data_dir / "models" / MODEL.id / "manifest.sha256").is_file()


def test_pull_that_is_interrupted_says_how_to_go_on_and_does(hub: HubServer, data_dir: Path) -> None:
    hub.pause_s = 0.02
    child = pull_from(hub, data_dir)
    until = time.monotonic() + 30
    while hub.sent[DATA] < 200_000 and time.monotonic() < until:
        time.sleep(0.01)

    child.send_signal(signal.SIGINT)
    _output, errors = child.communicate(timeout=30)

    assert child.returncode == 1
    assert "Run the same command again" in errors
    assert "Traceback" not in errors
    hub.pause_s = 0.0
    again = pull_from(hub, data_dir)
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert "is here now" in output
    assert hub.ranges[DATA]
