"""The models page of administrators: what is here, who uses what, and who may look."""

import shutil
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, give_role
from chat.model_desk import telling
from chat.models import Assistant
from inference import conf
from inference.errors import EngineError
from jobs import worker
from jobs.log import get_log
from jobs.models import Job, JobState
from tests.chat.model_desk import TINY, article, browser_of
from tests.chat.talk import make_collection
from tests.inference.plain_weights import write_phi3

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_engines")]


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


def test_an_installed_model_is_shown_and_not_loaded(root: Client, settings: Settings) -> None:
    settings.MODEL_PATH = str(TINY)

    page = root.get("/models/").content.decode()

    assert "loaded with the first question" in article(page, "engine-onnx")
    assert "Answering" in article(page, "model-here-onnx-tiny-phi3")
    assert not conf.get_engine("onnx").health().is_ready


def test_a_loaded_model_is_ready(root: Client, settings: Settings) -> None:
    settings.MODEL_PATH = str(TINY)
    conf.get_engine("onnx").load()

    page = root.get("/models/engines/").content.decode()

    assert "Ready" in article(page, "engine-onnx")


def test_a_damaged_folder_fails_with_the_reason(root: Client, settings: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "models" / "phi-4-mini-instruct"
    broken.mkdir(parents=True)
    (broken / "genai_config.json").write_text("{}", encoding="utf-8")

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "engine-onnx")
    assert "damaged or incomplete" in article(page, "engine-onnx")
    assert "Damaged" in article(page, "model-phi-4-mini-instruct")


def test_a_model_that_is_being_loaded_says_so(root: Client, settings: Settings) -> None:
    settings.MODEL_PATH = str(TINY)
    loading = threading.Thread(target=conf.get_engine("onnx").load)

    loading.start()
    page = until_loading(root)

    loading.join(60)
    assert "Loading" in article(page, "engine-onnx")
    assert "answers as soon as it is" in article(page, "engine-onnx")
    assert "Loading" in article(page, "model-here-onnx-tiny-phi3")
    assert "Ready" in article(root.get("/models/engines/").content.decode(), "engine-onnx")


def until_loading(root: Client) -> str:
    """Look at the page from the moment on at which the engine's process is there."""
    deadline = time.monotonic() + 10
    while not conf.get_engine("onnx").health().is_loading and time.monotonic() < deadline:
        time.sleep(0.005)
    return root.get("/models/").content.decode()


def test_what_another_worker_loads_is_loading_here(root: Client, settings: Settings) -> None:
    settings.MODEL_PATH = str(TINY)
    model = conf.get_engine("onnx").model
    told = {"type": "loading", "model": model, "at": time.time()}
    get_log().append("engine:onnx", 0, [told])  # as a worker of another host does

    page = root.get("/models/engines/").content.decode()
    get_log().append(
        "engine:onnx", 0, [{**told, "type": "failed", "code": "engine_crashed", "detail": "died"}]
    )
    after = root.get("/models/engines/").content.decode()
    get_log().append("engine:onnx", 0, [{**told, "type": "failed", "model": "another"}])
    other = root.get("/models/engines/").content.decode()

    assert "Loading" in article(page, "engine-onnx")
    assert "Failing" in article(after, "engine-onnx")
    assert "process ended unexpectedly" in article(after, "engine-onnx")
    assert "loaded with the first question" in article(other, "engine-onnx")


def test_a_model_that_could_not_be_loaded_fails_with_the_reason(
    root: Client, settings: Settings, tmp_path: Path
) -> None:
    cut = Path(shutil.copytree(TINY, tmp_path / "phi-cut"))
    (cut / "model.onnx").write_bytes((cut / "model.onnx").read_bytes()[:5000])
    settings.MODEL_PATH = str(cut)
    with pytest.raises(EngineError):
        conf.get_engine("onnx").load()

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "engine-onnx")
    assert "damaged or incomplete" in article(page, "engine-onnx")
    assert "Failing" in article(page, "model-here-onnx-phi-cut")
    assert "model.onnx" in article(page, "model-here-onnx-phi-cut")


def test_models_of_other_engines_are_listed_with_their_state(
    root: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.TRANSFORMERS_MODEL = str(write_phi3(TINY, tmp_path / "phi-4-mini-instruct-mine"))
    settings.OPENVINO_MODEL = str(tmp_path / "nothing")
    settings.ENGINE = "transformers"

    page = root.get("/models/").content.decode()

    assert "Installed" in article(page, "engine-transformers")
    assert "Answering" in article(page, "model-phi-4-mini-instruct")
    assert "On this machine, for transformers" in article(page, "model-phi-4-mini-instruct")
    assert "Damaged" in article(page, "model-here-openvino-nothing")
    assert "OPENVINO_MODEL names it, and it is not there." in article(page, "model-here-openvino-nothing")
    assert "OPENVINO_MODEL names no model that is here." in article(page, "engine-openvino")


def test_a_server_that_is_set_and_silent_is_failing_though_nobody_asks_it(
    root: Client, settings: Settings
) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "engine-openai")
    assert "127.0.0.1:9" in article(page, "engine-openai")


def test_what_a_server_answers_with_is_listed(root: Client, settings: Settings) -> None:
    settings.ENGINE = "openai"
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    settings.OPENAI_MODEL = "microsoft/phi-4-mini-instruct"

    page = root.get("/models/").content.decode()

    assert "Failing" in article(page, "model-phi-4-mini-instruct")
    assert "127.0.0.1:9" in article(page, "model-phi-4-mini-instruct")


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
    root: Client, settings: Settings
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


def ask_both(root: Client, left: str, right: str, **more: object) -> str:
    """Ask two models, run the worker, and return what the page shows of it."""
    asked = {"question": "When may I return a kettle?", "left": left, "right": right, **more}
    begun = root.post("/models/ask/", asked, headers={"HX-Request": "true"})
    assert "Waiting" in begun.content.decode()
    worker.work("inference")
    key = Job.objects.get(kind="playground").subject
    return root.get(f"/models/ask/{key}/").content.decode()


def test_two_models_answer_the_same_question(root: Client, settings: Settings) -> None:
    settings.ENGINE = "paced"
    settings.PACED_TOKENS, settings.PACED_TOKENS_PER_S = 12, 200
    settings.MODEL_PATH = str(TINY)

    page = ask_both(root, "paced", "onnx")

    left, right = page.split("<section", 2)[1:]
    assert 'data-phase="finished"' in left
    assert "When may I return a kettle? When may I" in left
    assert "12 written" in left
    assert 'data-phase="finished"' in right
    assert "s to load" in right
    assert "hx-get" not in page
    assert Job.objects.get(kind="playground").state == JobState.DONE


def test_both_may_answer_from_documents(root: Client, settings: Settings) -> None:
    settings.ENGINE = "paced"
    settings.PACED_TOKENS, settings.PACED_TOKENS_PER_S = 5, 200
    make_collection("handbook")

    page = ask_both(root, "extractive", "paced", collection="handbook")

    assert "within 30 days of delivery" in page


def test_an_engine_that_only_quotes_says_that_it_needs_documents(root: Client) -> None:
    page = ask_both(root, "extractive", "extractive")

    assert "An engine that only quotes needs documents" in page


def test_one_that_fails_leaves_the_other_alone(root: Client, settings: Settings) -> None:
    settings.ENGINE = "paced"
    settings.PACED_TOKENS, settings.PACED_TOKENS_PER_S = 3, 200
    settings.MODEL_PATH = str(TINY)
    long = {"question": "kettle " * 1100}

    page = ask_both(root, "onnx", "paced", **long)

    left, right = page.split("<section", 2)[1:]
    assert 'data-phase="failed"' in left
    assert "does not fit into the model’s context" in left
    assert 'data-phase="finished"' in right


SCHEMA = '{"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}'


def test_an_answer_is_held_to_a_schema_by_who_can_and_refused_by_who_cannot(
    root: Client, settings: Settings
) -> None:
    settings.MODEL_PATH = str(TINY)

    page = ask_both(root, "onnx", "extractive", shape="json_schema", pattern=SCHEMA)

    left, right = page.split("<section", 2)[1:]
    assert 'data-phase="finished"' in left
    assert "days" in left
    assert 'data-phase="failed"' in right
    assert "cannot be held to a schema or a pattern" in right


@pytest.mark.parametrize(
    ("shape", "pattern", "sentence"),
    [
        ("json_schema", "{", "no JSON object"),
        ("json_schema", "[1]", "no JSON object"),
        ("regex", "(", "no regular expression"),
        ("regex", " ", "no regular expression"),
    ],
)
def test_a_shape_that_is_none_is_refused_before_anybody_is_asked(
    root: Client, shape: str, pattern: str, sentence: str
) -> None:
    asked = {"question": "Why?", "left": "extractive", "right": "extractive"}

    page = root.post(
        "/models/ask/", {**asked, "shape": shape, "pattern": pattern}, headers={"HX-Request": "true"}
    ).content.decode()

    assert sentence in page
    assert not Job.objects.exists()


def picture(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("shelf.png", content, "image/png")


def test_a_model_that_cannot_see_says_so_of_a_picture(root: Client, settings: Settings) -> None:
    settings.MODEL_PATH = str(TINY)
    drawn = BytesIO()
    Image.new("RGB", (40, 30), "red").save(drawn, "PNG")

    page = ask_both(root, "onnx", "extractive", picture=picture(drawn.getvalue()))

    left, right = page.split("<section", 2)[1:]
    assert "reads text only and cannot see pictures" in left
    assert "reads text only and cannot see pictures" in right


def test_a_picture_that_is_none_is_refused_before_anybody_is_asked(root: Client) -> None:
    asked = {"question": "Why?", "left": "extractive", "right": "extractive", "picture": picture(b"garbage")}

    page = root.post("/models/ask/", asked, headers={"HX-Request": "true"}).content.decode()

    assert 'role="alert"' in page
    assert not Job.objects.exists()


def test_every_failure_of_an_engine_has_a_sentence_for_administrators() -> None:
    codes = {kind.code for kind in every_kind_of(EngineError)} - {"cannot_continue"}

    assert codes <= set(telling.SENTENCES) | {"pull_stopped"}


def every_kind_of(kind: type[EngineError]) -> set[type[EngineError]]:
    return {kind}.union(*(every_kind_of(one) for one in kind.__subclasses__()))


def test_a_question_that_waits_can_be_taken_back(root: Client) -> None:
    asked = {"question": "Why?", "left": "extractive", "right": "extractive"}
    root.post("/models/ask/", asked, headers={"HX-Request": "true"})
    job = Job.objects.get(kind="playground")

    page = root.post(f"/models/ask/{job.subject}/stop/", headers={"HX-Request": "true"}).content.decode()

    assert "Stopped." in page
    assert worker.work("inference") == 0


def test_what_cannot_be_asked_is_refused_with_a_sentence(root: Client) -> None:
    asked = {"question": "Why?", "left": "extractive", "right": "onnx@/etc"}

    page = root.post("/models/ask/", asked, headers={"HX-Request": "true"}).content.decode()

    assert 'role="alert"' in page
    assert not Job.objects.exists()


def test_another_administrator_does_not_see_my_question(root: Client) -> None:
    ask_both(root, "extractive", "extractive")
    key = Job.objects.get(kind="playground").subject
    other = browser_of(User.objects.create_superuser("carol", "carol@example.org", "x"))

    assert other.get(f"/models/ask/{key}/").status_code == 404


def test_without_scripts_the_answers_stand_on_the_page(root: Client) -> None:
    asked = {"question": "Why?", "left": "extractive", "right": "extractive"}

    response = root.post("/models/ask/", asked)
    worker.work("inference")

    assert response.status_code == 302
    assert root.get(response["Location"]).content.decode().count('data-phase="finished"') == 2


def test_looking_at_the_answers_is_cheap(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ask_both(root, "extractive", "extractive")
    key = Job.objects.get(kind="playground").subject

    with django_assert_num_queries(3):
        root.get(f"/models/ask/{key}/")
    with django_assert_num_queries(3):
        root.get("/models/phi-4/status/")
