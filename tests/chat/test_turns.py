"""A turn from question to stored answer, through the verbs and a real worker."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from chat import turns
from chat.errors import ChatQueueFull, ConversationBusy, NotFound, RateLimited
from chat.models import Assistant, Conversation, Message, MessageStatus
from jobs import queue, worker
from jobs.models import Job, JobState
from knowledge import lexical
from knowledge.models import Collection, Visibility
from tests.chat.talk import ask, events_of, guest, joined, make_assistant, make_collection, make_user
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How many days do I have to return a kettle?"


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> Iterator[None]:
    make_assistant("support", make_collection())
    yield
    for collection in Collection.objects.all():  # the word index is no table that Django empties
        lexical.remove_ids(lexical.list_ids(collection.pk))


def test_a_question_is_answered_from_the_documents_with_a_citation() -> None:
    reply = ask(guest(), QUESTION)

    assert reply.status == MessageStatus.DONE
    assert "30 days" in reply.text
    assert reply.citations[0]["n"] == 1
    assert reply.citations[0]["document"] == reply.sources[0]["document"]
    assert reply.engine == "extractive"


def test_stored_text_equals_the_deltas_joined() -> None:
    reply = ask(guest(), QUESTION)

    told = events_of(reply)

    assert joined(told) == reply.text
    assert [e["seq"] for e in told if e["type"] == "reply.delta"] == list(range(1, reply.seq + 1))
    assert told[-1]["type"] == "reply.finish"
    assert told[-1]["text"] == reply.text


def test_blocks_cover_the_text_in_order() -> None:
    told = events_of(ask(guest(), QUESTION))

    blocks = [e for e in told if e["type"] == "reply.block"]

    assert [e["block"] for e in blocks] == list(range(len(blocks)))
    assert "30 days" in "".join(str(e["html"]) for e in blocks)
    assert 'class="cite"' in "".join(str(e["html"]) for e in blocks)


def test_a_question_nothing_answers_is_refused_with_the_nearest_documents() -> None:
    reply = ask(guest(), "Who was the first emperor of Ethiopia in the nineteenth century?")

    assert (reply.status, reply.finish_reason) == (MessageStatus.DONE, "no_answer")
    assert reply.text == "I found nothing about this."
    finish = events_of(reply)[-1]
    assert finish["finish_reason"] == "no_answer"


def test_resume_after_a_seq_replays_only_what_follows() -> None:
    reply = ask(guest(), QUESTION)

    told = events_of(reply, after=1)

    assert [e["seq"] for e in told if e["type"] == "reply.delta"] == list(range(2, reply.seq + 1))
    assert told[-1]["type"] == "reply.finish"


def test_a_reader_gets_a_snapshot_when_the_log_is_gone() -> None:
    reply = ask(guest(), QUESTION)
    from jobs.log import get_log

    get_log.cache_clear()  # as after a restart of the process

    told = events_of(reply)

    assert [e["type"] for e in told] == ["reply.sources", "reply.snapshot", "reply.finish"]
    assert told[1]["text"] == reply.text
    assert told[1]["blocks"]


def test_the_same_send_twice_is_one_turn() -> None:
    visitor, client_id = guest(), uuid4().hex

    first = turns.start_turn(visitor, QUESTION, client_id, assistant_slug="support")
    second = turns.start_turn(visitor, QUESTION, client_id, assistant_slug="support")

    assert (second.reply.pk, second.is_repeat) == (first.reply.pk, True)
    assert Job.objects.count() == 1
    assert Conversation.objects.count() == 1


def test_the_same_client_id_of_another_person_is_another_turn() -> None:
    client_id = uuid4().hex

    first = turns.start_turn(guest(), QUESTION, client_id, assistant_slug="support")
    second = turns.start_turn(guest(), QUESTION, client_id, assistant_slug="support")

    assert first.reply.pk != second.reply.pk


def test_a_stranger_can_neither_go_on_nor_stop_nor_regenerate() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    reply = ask(alice, QUESTION)

    for attempt in (
        lambda: turns.start_turn(bob, "hi", uuid4().hex, conversation_id=reply.conversation_id),
        lambda: turns.cancel_turn(bob, reply.pk),
        lambda: turns.regenerate_turn(bob, reply.pk, uuid4().hex),
        lambda: turns.start_turn(bob, "hi", uuid4().hex, conversation_id=uuid4()),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_guest_cannot_talk_to_an_assistant_that_is_not_public() -> None:
    make_assistant("tutor", is_public=False)

    with pytest.raises(NotFound):
        turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="tutor")

    assert turns.start_turn(make_user("alice"), QUESTION, uuid4().hex, assistant_slug="tutor")


def test_a_guest_cannot_go_on_once_the_assistant_is_private() -> None:
    visitor = guest()
    reply = ask(visitor, QUESTION)
    Assistant.objects.update(is_public=False)

    with pytest.raises(NotFound):
        turns.start_turn(visitor, "And a toaster?", uuid4().hex, conversation_id=reply.conversation_id)
    with pytest.raises(NotFound):
        turns.regenerate_turn(visitor, reply.pk, uuid4().hex)


def test_documents_the_reader_may_not_see_are_not_answered_from() -> None:
    secret = make_collection(
        "secret", visibility=Visibility.SIGNED_IN, text="# Codes\n\nThe staff discount code is ZX-CANARY-1.\n"
    )
    make_assistant("desk", secret)

    as_guest = ask(guest(), "What is the staff discount code?", "desk")
    as_person = ask(make_user("alice"), "What is the staff discount code?", "desk")

    assert "ZX-CANARY-1" not in str(events_of(as_guest))
    assert as_guest.finish_reason == "no_answer"
    assert "ZX-CANARY-1" in as_person.text


def test_a_second_question_waits_until_the_first_is_answered() -> None:
    visitor = guest()
    first = turns.start_turn(visitor, QUESTION, uuid4().hex, assistant_slug="support")

    with pytest.raises(ConversationBusy):
        turns.start_turn(visitor, "And?", uuid4().hex, conversation_id=first.question.conversation_id)


def test_a_follow_up_hangs_under_the_answer_before_it() -> None:
    visitor = guest()
    first = ask(visitor, QUESTION)

    second = ask(visitor, "And who pays for the parcel?", conversation_id=first.conversation_id)

    assert second.parent is not None
    assert second.parent.parent_id == first.pk
    assert "4.90" in second.text or "pay for the parcel" in second.text


def test_regenerate_makes_a_sibling() -> None:
    visitor = guest()
    old = ask(visitor, QUESTION)

    accepted = turns.regenerate_turn(visitor, old.pk, uuid4().hex)
    worker.work("inference")

    new = Message.objects.get(pk=accepted.reply.pk)
    assert new.pk != old.pk
    assert new.parent_id == old.parent_id
    assert "30 days" in new.text


def test_stop_of_a_queued_reply_ends_it_at_once() -> None:
    visitor = guest()
    accepted = turns.start_turn(visitor, QUESTION, uuid4().hex, assistant_slug="support")

    turns.cancel_turn(visitor, accepted.reply.pk)

    reply = Message.objects.get(pk=accepted.reply.pk)
    assert (reply.status, reply.text) == (MessageStatus.STOPPED, "")
    assert events_of(reply)[-1]["finish_reason"] == "cancelled"
    assert worker.work("inference") == 0


def test_stop_of_a_finished_reply_changes_nothing() -> None:
    visitor = guest()
    reply = ask(visitor, QUESTION)

    turns.cancel_turn(visitor, reply.pk)

    assert Message.objects.get(pk=reply.pk).status == MessageStatus.DONE


def test_a_reply_whose_worker_died_is_written_again_and_never_twice() -> None:
    visitor = guest()
    accepted = turns.start_turn(visitor, QUESTION, uuid4().hex, assistant_slug="support")
    dead = queue.claim("inference")
    assert dead is not None
    from chat.writer import ReplyWriter

    writer = ReplyWriter(accepted.reply, dead.attempt)
    writer.push("half an ans")
    queue.release_all_leases()
    worker.sweep()

    worker.work("inference")

    reply = Message.objects.get(pk=accepted.reply.pk)
    assert reply.status == MessageStatus.DONE
    assert "half an ans" not in reply.text
    told = events_of(reply)
    restart = next(n for n, e in enumerate(told) if e["type"] == "reply.snapshot")
    assert joined(told[restart:]) == reply.text


def test_a_reply_whose_workers_die_every_time_ends_as_failed() -> None:
    accepted = turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")
    for _ in range(2):
        assert queue.claim("inference") is not None
        queue.release_all_leases()
        worker.sweep()

    reply = Message.objects.get(pk=accepted.reply.pk)
    assert reply.status == MessageStatus.FAILED
    last = events_of(reply)[-1]
    assert (last["type"], last["retryable"]) == ("reply.error", True)
    assert Job.objects.get().state == JobState.FAILED


def test_a_full_queue_refuses_and_stores_nothing(settings: Settings) -> None:
    settings.MAX_QUEUED_REPLIES = 1
    turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")

    with pytest.raises(ChatQueueFull) as full:
        turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")

    assert "(1)" in str(full.value.user_message)
    assert Conversation.objects.count() == 1


def test_a_full_queue_says_in_minutes_when_to_try_again() -> None:
    assert "in about 2 min" in str(ChatQueueFull(200, 61.0).user_message)
    assert "in a few minutes" in str(ChatQueueFull(200, None).user_message)


def test_a_guest_who_asks_too_quickly_is_told_so(settings: Settings) -> None:
    settings.RATE_LIMITS = True
    settings.MAX_QUEUED_REPLIES = 100
    visitor = guest()

    def ask_often() -> None:
        for _ in range(40):
            turns.start_turn(visitor, QUESTION, uuid4().hex, assistant_slug="support")

    with pytest.raises(RateLimited):
        ask_often()


def test_deleting_a_conversation_in_mid_reply_ends_quietly() -> None:
    accepted = turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")
    Conversation.objects.get(pk=accepted.question.conversation_id).delete()

    assert worker.work("inference") == 1

    assert Job.objects.get().state == JobState.DONE
