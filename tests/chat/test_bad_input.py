"""Whatever goes wrong with a model: a sentence to act on, the chat as it was, and the next question answered.

What each engine makes of each fault is tested in tests/inference; here one of every kind goes through the
whole site.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from chat import failures
from chat.errors import Internal
from chat.models import Conversation, Message, MessageRole, MessageStatus
from chat.visitors import Visitor
from inference import conf
from jobs import worker
from tests.chat.talk import ask, events_of, guest, make_assistant, make_collection
from tests.environment import ROOT
from tests.inference.servers.openai_like import chunk, openai_server, refuses, says
from tests.inference.servers.wire import Answer, WireServer

pytestmark = pytest.mark.django_db(transaction=True)

TINY = ROOT / "tests" / "fixtures" / "tiny-phi3"
QUESTION = "How many days do I have to return a kettle?"
NOT_A_MINUTE = {"Retry-After": "3600"}
BEGUN = "You may return it "


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    conf.reset()
    worker._slots.cache_clear()
    yield
    conf.reset()
    worker._slots.cache_clear()


@pytest.fixture(autouse=True)
def shop(fresh: None) -> None:
    make_assistant("support", make_collection())


@pytest.fixture
def server(settings: Settings) -> Iterator[WireServer]:
    """A model server that answers; a test tells it how to fail first."""
    with openai_server() as wire:
        settings.ENGINE, settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "openai", f"{wire.url}/v1", "phi"
        conf.reset()
        yield wire


def chat_of(reply: Message) -> list[tuple[str, str]]:
    """Return the messages of a chat, oldest first."""
    found = Message.objects.filter(conversation_id=reply.conversation_id).order_by("created_at")
    return list(found.values_list("role", "status"))


def assert_told(reply: Message, code: str, text: str = "") -> None:
    """Check that the reader is told what to do, and that what was written and asked is still there."""
    last = events_of(reply)[-1]
    assert (reply.status, reply.error_code, reply.text) == (MessageStatus.FAILED, code, text)
    assert (last["type"], last["code"]) == ("reply.error", code)
    assert last["user_message"] == failures.sentence(code) != str(Internal.user_message)
    assert reply.parent is not None
    assert reply.parent.text == QUESTION


def assert_goes_on(reply: Message, visitor: Visitor) -> None:
    """Ask in the same chat once more, and get an answer."""
    again = ask(visitor, QUESTION, assistant="", conversation_id=reply.conversation_id)

    assert again.status == MessageStatus.DONE, again.error_code
    assert [role for role, _status in chat_of(again)] == [MessageRole.USER, MessageRole.ASSISTANT] * 2
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (refuses(401, {"error": {"message": "wrong key"}}), "not_authorised", ""),
        (refuses(404, {"error": {"message": "The model `phi` does not exist."}}), "model_not_found", ""),
        (refuses(410, {"error": {"message": "This service is retired."}}), "service_retired", ""),
        (refuses(429, {"error": {"message": "slow down"}}, **NOT_A_MINUTE), "engine_busy", ""),
        (refuses(500, {"error": {"message": "CUDA error"}}), "engine_unavailable", ""),
        (refuses(400, {"error": {"message": "unknown option: top_q"}}), "bad_request", ""),
        (refuses(400, {"error": {"code": "context_length_exceeded"}}), "context_too_long", ""),
        (says(chunk(BEGUN), ended=False), "stream_interrupted", BEGUN),
        (says(chunk(BEGUN)), "stream_interrupted", BEGUN),
    ],
    ids=["401", "404", "410", "429", "500", "unknown option", "too long", "hung up", "ended early"],
)
def test_a_server_that_fails_once(answer: Answer, code: str, text: str, server: WireServer) -> None:
    visitor, works = guest(), server.answer
    server.answer = answer

    reply = ask(visitor, QUESTION)

    assert_told(reply, code, text)
    server.answer = works
    assert_goes_on(reply, visitor)


def missing(folder: Path) -> None:
    shutil.rmtree(folder)


def half_copied(folder: Path) -> None:
    (folder / "model.onnx.data").unlink()


def cut(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:5000])


def wrong_format(folder: Path) -> None:
    (folder / "genai_config.json").rename(folder / "config.json")


def no_template(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del config["chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (missing, "model_not_found"),
        (half_copied, "model_broken"),
        (cut, "model_broken"),
        (wrong_format, "model_broken"),
        (no_template, "model_broken"),
    ],
)
def test_a_model_folder_that_is_no_good(
    damage: Callable[[Path], None], code: str, settings: Settings, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "tiny-phi3"))
    settings.ENGINE, settings.MODEL_PATH = "onnx", str(folder)
    damage(folder)
    visitor = guest()

    reply = ask(visitor, QUESTION)

    assert_told(reply, code)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(TINY, folder)  # an administrator puts it right, without a restart
    assert_goes_on(reply, visitor)


def test_a_model_without_room_in_memory(settings: Settings) -> None:
    settings.ENGINE, settings.MODEL_PATH, settings.MODEL_MEMORY_GB = "onnx", str(TINY), 0.0001
    visitor = guest()

    reply = ask(visitor, QUESTION)

    assert_told(reply, "engine_unavailable")
    settings.MODEL_MEMORY_GB = 0
    assert_goes_on(reply, visitor)


def test_a_template_without_a_system_role(settings: Settings, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "tiny-phi3"))
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    refusal = "{{ raise_exception('System role not supported') }}"
    refuses_system = "{% if messages[0]['role'] == 'system' %}" + refusal + "{% endif %}"
    file.write_text(json.dumps({**config, "chat_template": refuses_system + config["chat_template"]}))
    settings.ENGINE, settings.MODEL_PATH = "onnx", str(folder)
    visitor = guest()

    reply = ask(visitor, QUESTION)

    assert reply.status == MessageStatus.DONE, reply.error_code
    assert_goes_on(reply, visitor)
