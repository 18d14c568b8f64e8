"""Fetching a model folder from a hub: whole, verified, or not at all; nothing is fetched twice."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.catalogue import catalogue
from inference.engines.onnxgenai.folder import read_folder
from inference.hub import Hub
from inference.installed import find_folders
from inference.manifest import differences, read_manifest, read_source
from inference.pull import MARGIN_BYTES, FolderPull, Progress
from inference.pull_errors import (
    ChecksumMismatch,
    DiskFull,
    PullError,
    PullImpossible,
    PullInterrupted,
    PullStopped,
    SourceForbidden,
    SourceMissing,
    SourceUnreachable,
    TargetTaken,
)
from inference.pulling import Order, pull
from tests.inference.servers.hub_like import HubServer, hub_server
from tests.inference.servers.wire import free_port

MODEL = catalogue().find("phi-3.5-mini-instruct")
SOURCE = MODEL.onnx[0]
DATA = f"{SOURCE.path}/model.onnx.data"
SMALL = f"{SOURCE.path}/tokenizer_config.json"


@pytest.fixture
def hub(tiny_phi3: Path) -> Iterator[HubServer]:
    files = {f"{SOURCE.path}/{file.name}": file.read_bytes() for file in sorted(tiny_phi3.iterdir())}
    files["README.md"] = b"Not ours."
    files["gpu/gpu-int4-awq-block-128/genai_config.json"] = b"{}"
    with hub_server(SOURCE.repo, files) as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / MODEL.id


def fetch(hub: HubServer, target: Path, **options: object) -> bool:
    options.setdefault("pause_s", 0.0)
    work = FolderPull(Hub(hub.url), target, **options)  # type: ignore[arg-type]
    return work.run(SOURCE.repo, SOURCE.path, MODEL.id)


def content_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_pull_makes_the_folder_as_it_is_on_the_hub(hub: HubServer, target: Path, tiny_phi3: Path) -> None:
    is_new = fetch(hub, target)

    assert is_new
    assert content_of(tiny_phi3).items() <= content_of(target).items()
    assert read_folder(target).specials == read_folder(tiny_phi3).specials
    assert [file.name for file in target.parent.iterdir() if file.is_dir()] == [target.name]


def test_a_pull_leaves_a_manifest_and_where_it_came_from(hub: HubServer, target: Path) -> None:
    fetch(hub, target)

    manifest, source = read_manifest(target), read_source(target)
    assert manifest is not None
    assert list(differences(target, manifest)) == []
    assert manifest["model.onnx.data"] == hashlib.sha256(hub.files[DATA]).hexdigest()
    assert source is not None
    assert (source.model, source.repo, source.revision) == (MODEL.id, SOURCE.repo, hub.revision)


def test_only_the_files_of_the_folder_are_fetched_and_each_once(hub: HubServer, target: Path) -> None:
    fetch(hub, target)

    wanted = {path: len(content) for path, content in hub.files.items() if path.startswith(SOURCE.path)}
    assert dict(hub.sent) == wanted


def test_progress_ends_with_everything(hub: HubServer, target: Path) -> None:
    told: list[Progress] = []

    fetch(hub, target, on_progress=told.append)

    assert told[-1].done_bytes == told[-1].total_bytes > 1_000_000
    assert [one.done_bytes for one in told] == sorted(one.done_bytes for one in told)


def test_a_second_pull_asks_the_hub_for_nothing(hub: HubServer, target: Path) -> None:
    fetch(hub, target)
    asked = hub.metadata_asked

    is_new = fetch(hub, target)

    assert not is_new
    assert hub.metadata_asked == asked


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: HubServer, target: Path) -> None:
    hub.cuts[DATA] = [300_000, 1, 500_000]

    fetch(hub, target)

    assert hub.ranges[DATA] == ["bytes=300000-", "bytes=300001-", "bytes=800001-"]
    assert hub.sent[DATA] == len(hub.files[DATA])
    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


def test_an_interrupted_pull_goes_on_without_fetching_a_byte_twice(hub: HubServer, target: Path) -> None:
    hub.cuts[DATA] = [700_000, 0, 0, 0, 0]
    with pytest.raises(PullInterrupted, match="Run the same command again"):
        fetch(hub, target)
    assert not target.exists()

    fetch(hub, target)

    assert {path: count for path, count in hub.sent.items() if count != len(hub.files[path])} == {}
    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


def test_a_pull_that_is_stopped_goes_on_later(hub: HubServer, target: Path) -> None:
    with pytest.raises(PullStopped):
        fetch(hub, target, should_stop=lambda: hub.sent[DATA] > 200_000)

    fetch(hub, target)

    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


def test_what_is_half_fetched_is_no_model(hub: HubServer, target: Path) -> None:
    seen: list[object] = []

    fetch(hub, target, on_progress=lambda _progress: seen.extend(find_folders(target.parent)))
    found = find_folders(target.parent)

    assert seen == []
    assert [(one.model, one.is_ready) for one in found] == [(MODEL.id, True)]


def test_a_server_without_ranges_is_read_from_the_start(hub: HubServer, target: Path) -> None:
    hub.has_ranges = False
    hub.cuts[DATA] = [300_000]

    fetch(hub, target)

    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


def test_parts_of_another_revision_are_not_gone_on_with(hub: HubServer, target: Path) -> None:
    hub.cuts[DATA] = [700_000, 0, 0, 0, 0]
    with pytest.raises(PullInterrupted):
        fetch(hub, target)
    hub.files[DATA] = hub.files[DATA][::-1]

    fetch(hub, target)

    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


@pytest.mark.parametrize("path", [DATA, SMALL])
def test_a_file_with_a_wrong_checksum_is_refused_and_fetched_again(
    hub: HubServer, target: Path, path: str
) -> None:
    hub.damaged = {path}
    with pytest.raises(ChecksumMismatch, match=Path(path).name):
        fetch(hub, target)
    assert not target.exists()
    hub.damaged = set()

    fetch(hub, target)

    assert hub.sent[path] == 2 * len(hub.files[path])
    assert (target / Path(path).name).read_bytes() == hub.files[path]


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(hub: HubServer, target: Path) -> None:
    with pytest.raises(DiskFull, match="Make room"):
        fetch(hub, target, free=lambda _folder: 1_000_000)

    assert not hub.sent


def test_a_disk_that_fills_up_stops_the_pull_and_keeps_what_came(hub: HubServer, target: Path) -> None:
    room = iter([MARGIN_BYTES * 2, 0, 0])
    with pytest.raises(DiskFull):
        fetch(hub, target, free=lambda _folder: next(room))
    assert hub.sent[DATA] > 0

    fetch(hub, target)

    assert (target / "model.onnx.data").read_bytes() == hub.files[DATA]


@pytest.mark.parametrize(
    ("status", "headers", "error", "words"),
    [
        (401, {}, SourceForbidden, "HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, SourceForbidden, "accept its terms"),
        (404, {"X-Error-Code": "RepoNotFound"}, SourceMissing, "does not exist"),
        (429, {}, SourceUnreachable, "slow down"),
        (500, {}, SourceUnreachable, "HTTP 500"),
    ],
)
def test_a_refusal_is_said_in_a_sentence(
    hub: HubServer, target: Path, status: int, headers: dict[str, str], error: type[PullError], words: str
) -> None:
    hub.refusal = (status, headers)

    with pytest.raises(error, match=words) as raised:
        fetch(hub, target)

    assert raised.value.user_message == str(raised.value)
    assert not target.exists()


def test_a_hub_that_nobody_runs_is_said_in_a_sentence(target: Path) -> None:
    nobody = Hub(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(SourceUnreachable, match="cannot be reached"):
        FolderPull(nobody, target).run(SOURCE.repo, SOURCE.path, MODEL.id)


def test_a_folder_that_was_moved_on_the_hub_is_missed(hub: HubServer, target: Path) -> None:
    with pytest.raises(SourceMissing, match="genai_config"):
        FolderPull(Hub(hub.url), target).run(SOURCE.repo, "cpu/gone", MODEL.id)


def test_a_file_name_that_leads_out_of_the_folder_is_refused(
    hub: HubServer, target: Path, tmp_path: Path
) -> None:
    hub.files[f"{SOURCE.path}/../../../../outside"] = b"x"

    with pytest.raises(SourceMissing, match="leads out"):
        fetch(hub, target)

    assert not list(tmp_path.rglob("outside"))


def test_a_folder_of_somebody_is_not_touched(hub: HubServer, target: Path) -> None:
    target.mkdir(parents=True)
    (target / "notes.txt").write_text("mine")

    with pytest.raises(TargetTaken):
        fetch(hub, target)

    assert content_of(target) == {"notes.txt": b"mine"}


def test_two_pulls_at_once_fetch_it_once(hub: HubServer, target: Path) -> None:
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(hub, target))) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False, True]
    assert hub.sent[DATA] == len(hub.files[DATA])


def test_a_model_the_engine_cannot_run_is_refused_before_anything_is_asked(
    hub: HubServer, tmp_path: Path
) -> None:
    model = catalogue().find("phi-3.5-moe-instruct")

    with pytest.raises(PullImpossible, match="mixture of experts"):
        pull(Order(model), tmp_path, "", make_hub=lambda: Hub(hub.url))

    assert hub.metadata_asked == 0


def test_an_order_for_cuda_takes_the_other_folder(hub: HubServer, tmp_path: Path) -> None:
    pulled = pull(Order(MODEL, device="cuda"), tmp_path, "", make_hub=lambda: Hub(hub.url))

    assert Path(pulled.place) == tmp_path / f"{MODEL.id}-cuda"
    assert (tmp_path / f"{MODEL.id}-cuda" / "genai_config.json").read_bytes() == b"{}"


def test_the_files_of_a_reference_are_fetched_where_the_main_branch_is_no_use(
    tiny_phi3: Path, tmp_path: Path
) -> None:
    model = catalogue().find("phi-4-multimodal-instruct")
    useful = {"config.json": b"{}", "vision-lora/adapter_config.json": b"{}"}
    with hub_server(model.repo, {"config.json": b"[]"}) as hub:
        hub.references[model.revision] = useful
        order = Order(model, engine="transformers")

        pulled = pull(order, tmp_path, "", make_hub=lambda: Hub(hub.url))

    assert (Path(pulled.place) / "vision-lora" / "adapter_config.json").is_file()
    assert (Path(pulled.place) / "config.json").read_bytes() == b"{}"
