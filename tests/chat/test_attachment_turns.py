"""A question with pictures, from the upload to what a model's server is sent."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from chat import turns
from chat.attachments.keeping import images_of
from chat.errors import AttachmentGone, ChatError, TooManyImages
from chat.models import Attachment, Conversation, Message, MessageStatus
from chat.visitors import Visitor
from inference import conf
from jobs import worker
from jobs.models import Job
from knowledge import lexical
from knowledge.models import Collection
from tests.chat.pictures import opened, picture, uploaded
from tests.chat.talk import ask, events_of, guest, make_assistant, make_collection, make_user
from tests.inference.servers import openai_like
from tests.inference.servers.ollama_like import READS, SEES, lists, ollama_server
from tests.inference.servers.wire import Answer, WireServer
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERED = "How many days do I have to return a kettle?"
UNKNOWN = "What colour is the bird in this photograph?"
MODEL = "phi3.5:latest"
TINY_VISION = Path(__file__).parents[1] / "fixtures" / "tiny-phi3v"


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> Iterator[None]:
    make_assistant("support", make_collection())
    yield
    for collection in Collection.objects.all():  # the word index is no table that Django empties
        lexical.remove_ids(lexical.list_ids(collection.pk))


@pytest.fixture
def seeing(settings: Settings) -> Iterator[WireServer]:
    """An Ollama server whose model sees, as the site's engine."""
    yield from _served(settings, lists(MODEL, **SEES))


@pytest.fixture
def reading(settings: Settings) -> Iterator[WireServer]:
    """An Ollama server whose model reads text only."""
    yield from _served(settings, lists(MODEL, **READS))


def _served(settings: Settings, listing: Answer) -> Iterator[WireServer]:
    with ollama_server(listing=listing) as server:
        settings.ENGINE = "ollama"
        settings.OLLAMA_URL = server.url
        settings.OLLAMA_MODEL = MODEL
        settings.OLLAMA_CONTEXT_TOKENS = 16384
        conf.reset()
        yield server
    conf.reset()


def asked(server: WireServer) -> list[dict[str, Any]]:
    """The messages of the last question the server was asked."""
    messages = [seen.body["messages"] for seen in server.requests if seen.body.get("messages")][-1]
    assert isinstance(messages, list)
    return messages


def test_the_picture_that_arrives_is_the_one_we_encoded(seeing: WireServer) -> None:
    visitor = guest()
    original = picture(300, 200, "blue", "JPEG", comment=b"secret words")
    kept = uploaded(visitor, original)

    reply = ask(visitor, ANSWERED, attachments=[kept.pk])

    assert reply.status == MessageStatus.DONE, reply.error_code
    [arrived] = asked(seeing)[-1]["images"]
    data = base64.b64decode(arrived)
    assert data == kept.path.read_bytes() != original
    assert b"secret" not in data
    assert opened(data).size == (300, 200)


def test_a_question_the_documents_answer_keeps_its_passages_beside_the_picture(seeing: WireServer) -> None:
    visitor = guest()

    reply = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])

    said = asked(seeing)[-1]["content"]
    assert "within 30 days" in said
    assert said.endswith("cite them like [1].")
    assert "Describe what you see in the picture" in said
    assert reply.sources


def test_a_question_the_documents_know_nothing_about_is_asked_of_the_picture_alone(
    seeing: WireServer,
) -> None:
    visitor = guest()

    reply = ask(visitor, UNKNOWN, attachments=[uploaded(visitor).pk])

    assert (reply.finish_reason, reply.sources) == ("stop", [])
    system, question = asked(seeing)
    assert "describe what you see in a picture" in system["content"]
    assert "say only what you see in the picture" in question["content"]
    assert "Passages:" not in question["content"]


def test_the_same_question_without_a_picture_is_refused_without_the_model(seeing: WireServer) -> None:
    reply = ask(guest(), UNKNOWN)

    assert reply.finish_reason == "no_answer"
    assert not [seen for seen in seeing.requests if seen.body.get("messages")]


def test_a_picture_stays_with_its_turn_in_what_is_asked_next(seeing: WireServer) -> None:
    visitor = guest()
    kept = uploaded(visitor)
    first = ask(visitor, ANSWERED, attachments=[kept.pk])

    ask(
        visitor,
        "And who pays for the parcel when the kettle is broken?",
        conversation_id=first.conversation_id,
    )

    _system, question, _answer, next_question = asked(seeing)
    assert [base64.b64decode(one) for one in question["images"]] == [kept.path.read_bytes()]
    assert "images" not in next_question or not next_question["images"]


def test_a_question_right_after_a_picture_may_be_about_the_picture_again(seeing: WireServer) -> None:
    visitor = guest()
    first = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])

    reply = ask(visitor, UNKNOWN, conversation_id=first.conversation_id)

    assert (reply.finish_reason, reply.sources) == ("stop", [])
    assert "say only what you see in the picture" in asked(seeing)[-1]["content"]


def test_pictures_arrive_in_the_order_they_were_sent_in(seeing: WireServer) -> None:
    visitor = guest()
    red, blue, green = (uploaded(visitor, picture(colour=one)) for one in ("red", "blue", "green"))

    reply = ask(visitor, UNKNOWN, attachments=[green.pk, red.pk, blue.pk, red.pk])

    arrived = [base64.b64decode(one) for one in asked(seeing)[-1]["images"]]
    assert arrived == [one.path.read_bytes() for one in (green, red, blue)]
    assert list(Attachment.objects.filter(message=reply.parent)) == [green, red, blue]


def test_a_model_that_reads_text_only_says_so_before_anything_else(reading: WireServer) -> None:
    visitor = guest()
    kept = uploaded(visitor)

    reply = ask(visitor, ANSWERED, attachments=[kept.pk])

    assert (reply.status, reply.error_code, reply.sources) == (MessageStatus.FAILED, "no_vision", [])
    told = events_of(reply)
    assert [event["type"] for event in told][-1] == "reply.error"
    assert "cannot see pictures" in str(told[-1]["user_message"])
    assert not [seen for seen in reading.requests if seen.body.get("messages")]
    question = reply.parent
    assert question is not None
    assert (question.text, question.attachments.get()) == (ANSWERED, kept)
    assert kept.path.is_file()


def test_the_quoting_engine_cannot_see_either() -> None:
    visitor = guest()

    reply = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])

    assert (reply.status, reply.error_code) == (MessageStatus.FAILED, "no_vision")


def test_a_model_that_cannot_see_goes_on_without_the_pictures_of_before(
    seeing: WireServer, settings: Settings
) -> None:
    visitor = guest()
    first = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])
    for server in _served(settings, lists(MODEL, **READS)):
        reply = ask(visitor, "And who pays for the parcel?", conversation_id=first.conversation_id)

        assert reply.status == MessageStatus.DONE, reply.error_code
        assert not any(message.get("images") for message in asked(server))
        assert "picture" not in asked(server)[0]["content"]


def test_a_server_that_says_only_when_asked_that_it_cannot_see_is_asked_without_them(
    seeing: WireServer, settings: Settings
) -> None:
    visitor = guest()
    first = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])
    refusal = openai_like.refuses(400, {"message": f"{MODEL} is not a multimodal model", "code": 400})
    with openai_like.openai_server() as server:
        server.answers.append(refusal)
        settings.ENGINE, settings.OPENAI_BASE_URL = "openai", f"{server.url}/v1"
        settings.OPENAI_MODEL = "phi-3.5-vision-instruct"
        settings.OPENAI_CONTEXT_TOKENS = 16384
        conf.reset()

        reply = ask(visitor, "And who pays for the parcel?", conversation_id=first.conversation_id)

        refused, answered = (json.dumps(seen.body["messages"]) for seen in server.requests[-2:])
    assert reply.status == MessageStatus.DONE, reply.error_code
    assert ("image_url" in refused, "image_url" in answered) == (True, False)


def test_a_server_that_says_only_then_that_it_cannot_see_is_not_asked_what_only_it_could_see(
    seeing: WireServer, settings: Settings
) -> None:
    visitor = guest()
    first = ask(visitor, ANSWERED, attachments=[uploaded(visitor).pk])
    refusal = openai_like.refuses(400, {"message": f"{MODEL} is not a multimodal model", "code": 400})
    with openai_like.openai_server() as server:
        server.answers.append(refusal)
        settings.ENGINE, settings.OPENAI_BASE_URL = "openai", f"{server.url}/v1"
        settings.OPENAI_MODEL = "phi-3.5-vision-instruct"
        conf.reset()

        reply = ask(visitor, UNKNOWN, conversation_id=first.conversation_id)

        assert len([seen for seen in server.requests if seen.body.get("messages")]) == 1
    assert (reply.status, reply.finish_reason) == (MessageStatus.DONE, "no_answer")


def test_pictures_that_do_not_fit_are_too_long_a_question(seeing: WireServer, settings: Settings) -> None:
    settings.OLLAMA_CONTEXT_TOKENS = 1024
    conf.reset()
    visitor = guest()

    reply = ask(visitor, ANSWERED, attachments=[uploaded(visitor, picture(1300, 1300)).pk])

    assert (reply.status, reply.error_code) == (MessageStatus.FAILED, "pictures_too_long")


def test_a_picture_whose_file_is_gone_fails_its_question_and_not_the_next(seeing: WireServer) -> None:
    visitor = guest()
    kept = uploaded(visitor)
    first = ask(visitor, ANSWERED, attachments=[kept.pk])
    kept.path.unlink()

    again = turns.regenerate_turn(visitor, first.pk, uuid4().hex)
    worker.work("inference")
    again.reply.refresh_from_db()
    following = ask(visitor, ANSWERED, conversation_id=first.conversation_id, parent_id=first.pk)

    assert (again.reply.status, again.reply.error_code) == (MessageStatus.FAILED, "bad_image")
    assert following.status == MessageStatus.DONE
    assert images_of(first.parent, is_history=True) == ()  # type: ignore[arg-type]


def test_an_answer_written_again_sees_the_picture_again(seeing: WireServer) -> None:
    visitor = guest()
    kept = uploaded(visitor)
    first = ask(visitor, ANSWERED, attachments=[kept.pk])
    seeing.requests.clear()

    again = turns.regenerate_turn(visitor, first.pk, uuid4().hex)
    worker.work("inference")

    assert [one["id"] for one in again.event.attachments] == [str(kept.pk)]
    assert len(asked(seeing)[-1]["images"]) == 1


def test_the_sender_is_told_of_the_pictures_that_were_stored() -> None:
    visitor = guest()
    kept = uploaded(visitor, picture(64, 48), "kitchen.png")

    accepted = turns.start_turn(visitor, "Hi", "c1", assistant_slug="support", attachments=[kept.pk])

    item = {"id": str(kept.pk), "name": "kitchen.png", "width": 64, "height": 48, "url": kept.url}
    assert accepted.event.to_dict()["attachments"] == [item]


def test_the_same_send_twice_is_one_turn_with_its_pictures() -> None:
    visitor = guest()
    kept = uploaded(visitor)

    first, second = (
        turns.start_turn(visitor, "Hi", "c1", assistant_slug="support", attachments=[kept.pk])
        for _time in range(2)
    )

    assert (second.is_repeat, second.reply) == (True, first.reply)
    assert second.event.to_dict() == first.event.to_dict()
    assert Job.objects.count() == 1


def _start(visitor: Visitor, *ids: object) -> ChatError:
    """The error a send with these pictures is refused with; nothing of it may be stored."""
    with pytest.raises(ChatError) as caught:
        turns.start_turn(visitor, "Hi", uuid4().hex, assistant_slug="support", attachments=ids)  # type: ignore[arg-type]
    return caught.value


def test_a_picture_of_somebody_else_or_of_nobody_is_not_sent() -> None:
    alice, mallory = make_user("alice"), guest()
    hers, mine = uploaded(alice), uploaded(mallory)

    for stranger in (mallory, make_user("bob"), guest()):
        assert isinstance(_start(stranger, hers.pk), AttachmentGone)
    assert isinstance(_start(mallory, mine.pk, hers.pk), AttachmentGone)
    assert isinstance(_start(mallory, uuid4()), AttachmentGone)

    assert (Message.objects.count(), Conversation.objects.count(), Job.objects.count()) == (0, 0, 0)
    assert Attachment.objects.unsent().count() == 2


def test_a_picture_is_sent_once() -> None:
    visitor = guest()
    kept = uploaded(visitor)
    turns.start_turn(visitor, "Hi", "c1", assistant_slug="support", attachments=[kept.pk])

    other = uploaded(visitor)
    refused = _start(visitor, kept.pk, other.pk)

    assert isinstance(refused, AttachmentGone)
    assert refused.gone == [str(kept.pk)]
    assert Message.objects.count() == 2


def test_more_pictures_than_one_question_may_have_are_refused(settings: Settings) -> None:
    settings.MAX_IMAGES = 1
    visitor = guest()
    kept = [uploaded(visitor).pk for _time in range(2)]

    error = _start(visitor, *kept)

    assert isinstance(error, TooManyImages)
    assert "At most 1" in str(error.user_message)
    assert Message.objects.count() == 0


@pytest.fixture
def onnx(settings: Settings) -> Iterator[None]:
    """The tiny vision model in its child process, as the site's engine."""
    settings.ENGINE, settings.MODEL_PATH = "onnx", str(TINY_VISION)
    conf.reset()
    yield
    conf.reset()


def test_a_model_on_this_machine_sees_what_was_uploaded(onnx: None) -> None:
    visitor = guest()
    pictures = [picture(64, 64, colour, "WEBP", lossless=True) for colour in ("red", "blue")]

    replies = [ask(visitor, UNKNOWN, attachments=[uploaded(visitor, one).pk]) for one in pictures]

    assert [(one.status, one.error_code) for one in replies] == [(MessageStatus.DONE, "")] * 2
    assert replies[0].usage["prompt_tokens"] == replies[1].usage["prompt_tokens"] > 500
    assert replies[0].text != replies[1].text  # asked the same: only the pictures differ
