"""The models page of administrators: what is here, who uses what, and who may look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, give_role
from chat.models import Assistant
from inference import conf
from tests.environment import ROOT

pytestmark = pytest.mark.django_db

TINY = ROOT / "tests" / "fixtures" / "tiny-phi3"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(autouse=True)
def fresh_engines(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Give every test engines and a data directory of its own."""
    settings.DATA_DIR = tmp_path
    conf.reset()
    yield
    conf.reset()


@pytest.fixture
def root() -> Client:
    """The browser of a superuser."""
    return browser_of(User.objects.create_superuser("alice", "alice@example.org", "x"))


def article(page: str, name: str) -> str:
    """Cut one row out of a page."""
    return page.split(f'id="{name}"', 1)[1].split("</article>", 1)[0]


def test_without_a_model_the_page_says_who_answers_and_how_to_change_that(root: Client) -> None:
    page = root.get("/models/").content.decode()

    assert "Ready" in article(page, "engine-extractive")
    assert "The site’s own" in article(page, "engine-extractive")
    assert "Not set up" in article(page, "engine-onnx")
    assert "Download a model below, or set MODEL_PATH." in article(page, "engine-onnx")
    assert "Not installed" in article(page, "model-phi-4-mini-instruct")
    assert "Download" in article(page, "model-phi-4-mini-instruct")


def test_every_model_of_the_catalogue_says_where_each_engine_gets_it(root: Client) -> None:
    row = article(root.get("/models/").content.decode(), "model-phi-3_5-moe-instruct")

    assert "ONNX Runtime GenAI cannot run its mixture of experts" in row
    assert "PhimoeForCausalLM" in row
    assert "see where it comes from" in row


def test_an_installed_model_is_shown_and_not_loaded(root: Client, settings: LazySettings) -> None:
    settings.MODEL_PATH = str(TINY)

    page = root.get("/models/").content.decode()

    assert "loaded with the first question" in article(page, "engine-onnx")
    assert "Answering" in article(page, "model-here-onnx-tiny-phi3")
    assert not conf.get_engine("onnx").health().is_ready


def test_a_loaded_model_is_ready(root: Client, settings: LazySettings) -> None:
    settings.MODEL_PATH = str(TINY)
    conf.get_engine("onnx").load()

    page = root.get("/models/engines/").content.decode()

    assert "Ready" in article(page, "engine-onnx")


def test_a_damaged_folder_fails_with_the_reason(root: Client, settings: LazySettings, tmp_path: Path) -> None:
    broken = tmp_path / "models" / "phi-4-mini-instruct"
    broken.mkdir(parents=True)
    (broken / "genai_config.json").write_text("{}", encoding="utf-8")

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "engine-onnx")
    assert "damaged or incomplete" in article(page, "engine-onnx")
    assert "Damaged" in article(page, "model-phi-4-mini-instruct")


def test_assistants_stand_with_the_engine_they_use(root: Client) -> None:
    Assistant.objects.create(slug="support", name="Shop support")
    Assistant.objects.create(slug="tutor", name="Tutor", engine="onnx")
    Assistant.objects.create(slug="old", name="Old one", engine="gone")

    page = root.get("/models/").content.decode()

    assert 'href="/assistants/support/"' in article(page, "engine-extractive")
    assert 'href="/assistants/tutor/"' in article(page, "engine-onnx")
    assert "Failing" in article(page, "engine-onnx")
    assert 'href="/assistants/old/"' in article(page, "engine-gone")


def test_a_server_that_is_not_there_is_said_and_keeps_nobody_waiting(
    root: Client, settings: LazySettings
) -> None:
    settings.ENGINE = "openai"
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "engine-openai")
    assert "127.0.0.1:9" in article(page, "engine-openai")


def test_the_page_asks_the_database_a_fixed_number_of_times(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(12):
        Assistant.objects.create(slug=f"a{n}", name=f"Assistant {n}")

    with django_assert_num_queries(7):
        root.get("/models/")


@pytest.mark.parametrize("address", ["", "engines/", "phi-4/status/"])
def test_nobody_but_a_superuser_finds_it(client: Client, address: str) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")
    give_role(bob, KNOWLEDGE_ADMINISTRATORS)

    assert browser_of(bob).get(f"/models/{address}").status_code == 404
    assert client.get(f"/models/{address}").status_code == 302


@pytest.mark.parametrize("address", ["phi-4/pull/", "phi-4/stop/"])
def test_nobody_but_a_superuser_changes_anything(client: Client, address: str) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")

    assert browser_of(bob).post(f"/models/{address}").status_code == 404
    assert client.post(f"/models/{address}").status_code == 302


def test_only_superusers_see_the_way_there(root: Client) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")

    assert 'href="/models/"' in root.get("/accounts/settings/").content.decode()
    assert 'href="/models/"' not in browser_of(bob).get("/accounts/settings/").content.decode()


def test_a_model_nobody_knows_is_not_there(root: Client) -> None:
    assert root.get("/models/gpt-2/status/").status_code == 404
    assert root.post("/models/gpt-2/pull/").status_code == 404
