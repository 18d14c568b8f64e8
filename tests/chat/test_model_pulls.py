"""Fetching a model from the models page: queued, shown, stopped, failed, and used once it is here."""

from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import AuditEntry
from chat.model_desk.pulls import run_pull
from inference.catalogue import catalogue
from jobs import queue, worker
from jobs.models import Job, JobState
from jobs.worker import Lease
from tests.chat.model_desk import TINY, article
from tests.inference.servers.hub_like import HubServer, hub_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_engines")]

MODEL = catalogue().find("phi-3.5-mini-instruct")
ROW = "model-phi-3_5-mini-instruct"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub on this machine that has one of the catalogue's models, in a tiny size."""
    source = MODEL.onnx[0]
    files = {f"{source.path}/{file.name}": file.read_bytes() for file in sorted(TINY.iterdir())}
    with hub_server(source.repo, files) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


def start(root: Client, model_id: str = MODEL.id) -> str:
    """Press the button, and return what the row shows then."""
    return root.post(f"/models/{model_id}/pull/", {"engine": "onnx"}, headers=HTMX).content.decode()


def test_a_model_is_fetched_and_answers_from_then_on(root: Client) -> None:
    begun = start(root)
    worker.work("background")

    status = root.get(f"/models/{MODEL.id}/status/", headers=HTMX)
    page = root.get("/models/").content.decode()
    assert "Waiting" in begun
    assert 'hx-trigger="every 1s"' in begun
    assert "Installed" in status.content.decode()
    assert "hx-trigger" not in status.content.decode()
    assert status["HX-Trigger"] == "models-changed"
    assert "Answering" in article(page, ROW)
    assert "The site’s own" in article(page, "engine-onnx")
    assert Job.objects.get().state == JobState.DONE
    assert AuditEntry.objects.get().subject == f"onnx:{MODEL.id}"


def test_how_far_a_download_is_can_be_read(root: Client) -> None:
    start(root)
    job = queue.claim("background")
    assert job is not None
    queue.report_progress(job, 1_500_000, 6_000_000)

    row = root.get(f"/models/{MODEL.id}/status/").content.decode()

    assert 'value="25"' in row
    assert "1.4\xa0GB of 5.6\xa0GB" in row
    assert "Stop" in row


def test_pressing_twice_fetches_once(root: Client) -> None:
    start(root)
    start(root)

    assert Job.objects.count() == 1


def test_a_download_that_waits_is_stopped_at_once(root: Client) -> None:
    start(root)

    row = root.post(f"/models/{MODEL.id}/stop/", headers=HTMX).content.decode()

    assert "Not installed" in row
    assert worker.work("background") == 0


def test_a_download_under_way_stops_and_keeps_what_is_here(root: Client) -> None:
    start(root)
    job = queue.claim("background")
    assert job is not None
    lease = Lease(job)
    lease.request_stop()

    assert run_pull(lease) == JobState.CANCELLED


def test_a_failed_download_says_why_and_offers_another_try(root: Client) -> None:
    start(root, "phi-4")
    worker.work("background")

    row = root.get("/models/phi-4/status/").content.decode()

    assert "Download failed" in row
    assert "not there any more under this name" in row
    assert "microsoft/phi-4-onnx does not exist on the hub" in row
    assert "Try again" in row
    assert Job.objects.get().error_code == "source_missing"


def test_what_no_engine_here_can_run_is_not_fetched(root: Client) -> None:
    response = root.post("/models/phi-3.5-moe-instruct/pull/", {"engine": "onnx"})

    assert response.status_code == 422
    assert not Job.objects.exists()


def test_a_download_works_without_scripts(root: Client) -> None:
    response = root.post(f"/models/{MODEL.id}/pull/", {"engine": "onnx"})

    assert response["Location"] == f"/models/#{ROW}"
