"""Approved answers in a chat: given at once, marked, and only to whom they may be given."""

from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from chat import turns
from chat.endings import end_stale_turns
from chat.models import Attachment, Message, MessageStatus
from jobs.models import Job
from knowledge import approved
from knowledge.models import ApprovedAnswer, Collection, Document, Visibility
from tests.chat.talk import events_of, guest, joined, make_assistant, make_collection, make_user
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_engines", "own_stores")]

TEXT = "You may return it within **30 days**.\n\nKeep the box."


@pytest.fixture
def handbook() -> Collection:
    """A collection everyone may read, in use by the assistant "support"."""
    collection = make_collection()
    make_assistant("support", collection)
    return collection


def approve(
    collection: Collection, question: str = "How do I return a kettle?", text: str = TEXT, **more: object
) -> ApprovedAnswer:
    """Add an entry."""
    staff, _new = User.objects.get_or_create(username="dana", defaults={"email": "dana@shop.example"})
    entry = ApprovedAnswer(collection=collection, question=question, text=text, **more)
    return approved.approve(entry, staff)


def ask(text: str, **more: object) -> Message:
    """Ask as a guest, with no worker there, and return the reply as it is right after."""
    accepted = turns.start_turn(guest(), text, uuid4().hex, assistant_slug="support", **more)  # type: ignore[arg-type]
    return Message.objects.get(pk=accepted.reply.pk)


def test_an_approved_answer_is_given_without_worker_engine_or_queue(
    handbook: Collection, settings: Settings
) -> None:
    settings.ENGINE = "transformers"  # has no model here: it could not even be made
    entry = approve(handbook)

    reply = ask("how can i return my kettle")

    assert (reply.status, reply.text, reply.engine, reply.finish_reason) == ("done", TEXT, "approved", "stop")
    assert reply.approved == {"id": entry.pk, "at": entry.approved_at.isoformat()}
    assert not Job.objects.exists()


def test_its_reader_is_told_the_text_and_that_it_was_approved(handbook: Collection) -> None:
    entry = approve(handbook)

    told = events_of(ask("How do I return a kettle?"))

    assert joined(told) == TEXT
    assert [event["block"] for event in told if event["type"] == "reply.block"] == [0, 1]
    assert told[-1]["type"] == "reply.finish"
    assert told[-1]["approved"] == {"id": entry.pk, "at": entry.approved_at.isoformat()}


def test_a_reply_read_again_later_still_says_so(handbook: Collection) -> None:
    entry = approve(handbook)
    reply = ask("How do I return a kettle?")
    entry.delete()

    told = events_of(reply, after=10_000)

    assert told[-1]["approved"] == reply.approved


def test_what_a_model_writes_is_not_marked(handbook: Collection) -> None:
    approve(handbook)

    reply = ask("How long may I keep a kettle?")

    assert (reply.status, reply.approved) == (MessageStatus.PENDING, {})
    assert Job.objects.get().pk == reply.job


@pytest.mark.parametrize(
    "asked",
    [
        "How do I return a kettle E8?",
        "Why can't I return a kettle?",
        "Can I return a kettle?",
        "How do I return a toaster?",
        "How did I return a kettle?",
    ],
)
def test_a_question_that_only_comes_near_is_left_to_the_documents(handbook: Collection, asked: str) -> None:
    approve(handbook)

    assert ask(asked).engine == ""


def test_another_wording_answers_too(handbook: Collection) -> None:
    approve(handbook, wordings=["Can the kettle go back?"])

    assert ask("can the kettle go back").engine == "approved"


def test_a_hebrew_entry_answers_a_hebrew_question(handbook: Collection) -> None:
    approve(handbook, "איך מחזירים את הקומקום?", "אפשר להחזיר בתוך 30 יום.", language="he")

    assert ask("שלום, כיצד מחזירים קומקום").text == "אפשר להחזיר בתוך 30 יום."
    assert ask("איך מחזירים את הקומקום בלי קבלה?").engine == ""


def test_an_inactive_entry_never_answers(handbook: Collection) -> None:
    entry = approve(handbook)
    assert ask(entry.question).engine == "approved"

    approved.switch(entry, is_active=False)

    assert ask(entry.question).engine == ""


def test_a_changed_entry_answers_as_it_is_now(handbook: Collection) -> None:
    entry = approve(handbook)
    ask(entry.question)
    entry.text, entry.question = "Send it back.", "Where do I send it?"
    approved.approve(entry, User.objects.get(username="dana"))

    assert ask("Where do I send it?").text == "Send it back."
    assert ask("How do I return a kettle?").engine == ""


def test_an_entry_of_a_collection_the_reader_may_not_read_never_answers(handbook: Collection) -> None:
    private = make_collection("private", visibility=Visibility.SIGNED_IN)
    make_assistant("both", handbook, private)
    approve(private)

    as_guest = turns.start_turn(guest(), "How do I return a kettle?", "a", assistant_slug="both")
    as_bob = turns.start_turn(make_user("bob"), "How do I return a kettle?", "b", assistant_slug="both")

    assert as_guest.reply.job
    assert Message.objects.get(pk=as_bob.reply.pk).text == TEXT


def test_an_entry_of_a_collection_the_assistant_does_not_use_never_answers(handbook: Collection) -> None:
    approve(make_collection("other"))

    assert ask("How do I return a kettle?").engine == ""


def test_the_entry_in_the_readers_language_is_preferred(handbook: Collection) -> None:
    approve(handbook, "Wifi password?", "Kettle1", language="en")
    approve(handbook, "Wifi password?", "Kettle1!", language="de")

    assert ask("Wifi password?", language="en").text == "Kettle1"


def test_its_document_is_named_as_its_source(handbook: Collection) -> None:
    approve(handbook, document=Document.objects.get(collection=handbook))

    reply = ask("How do I return a kettle?")

    assert reply.text == f"{TEXT} [1]"
    assert [source["title"] for source in reply.sources] == ["Returns"]
    assert "30 days" in reply.sources[0]["best_sentence"]
    assert [citation["n"] for citation in reply.citations] == [1]


def test_a_document_the_reader_may_not_read_is_not_named(handbook: Collection) -> None:
    private = make_collection("private", visibility=Visibility.GROUPS)
    approve(handbook, document=Document.objects.get(collection=private))

    reply = ask("How do I return a kettle?")

    assert (reply.text, reply.sources) == (TEXT, [])


def test_a_follow_up_goes_by_its_own_words(handbook: Collection) -> None:
    approve(handbook)
    visitor = guest()
    first = turns.start_turn(visitor, "How do I return a kettle?", "a", assistant_slug="support")
    conversation = first.question.conversation_id

    second = turns.start_turn(visitor, "And a toaster?", "b", conversation_id=conversation)

    assert second.reply.job
    assert second.question.parent_id == first.reply.pk


def test_a_question_with_a_picture_is_not_answered_by_an_entry(handbook: Collection) -> None:
    approve(handbook)
    visitor = guest()
    picture = Attachment.objects.create(
        guest_key=visitor.guest_key, name="a.png", media_type="image/png", width=1, height=1, size_bytes=1,
        sha256="0" * 64,
    )  # fmt: skip

    accepted = turns.start_turn(
        visitor, "How do I return a kettle?", "a", assistant_slug="support", attachments=[picture.pk]
    )

    assert accepted.reply.job


def test_an_entry_answers_while_the_queue_is_full(handbook: Collection, settings: Settings) -> None:
    settings.MAX_QUEUED_REPLIES = 0
    approve(handbook)

    assert ask("How do I return a kettle?").status == MessageStatus.DONE


def test_asking_again_gives_an_answer_that_was_approved_since(handbook: Collection) -> None:
    visitor = guest()
    first = turns.start_turn(visitor, "How do I return a kettle?", "a", assistant_slug="support")
    turns.cancel_turn(visitor, first.reply.pk)
    approve(handbook)

    again = turns.regenerate_turn(visitor, first.reply.pk, "b")

    assert Message.objects.get(pk=again.reply.pk).text == TEXT


def test_the_sweep_leaves_an_approved_answer_alone_while_it_is_written(handbook: Collection) -> None:
    reply = ask("How do I return a kettle?")
    Message.objects.filter(pk=reply.pk).update(job=None)

    assert end_stale_turns() == 0
