"""Following a reply from any point, in any state of log and row; and replies that nobody writes any more."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from chat import consumers, endings, streams, turns
from chat.errors import NotFound
from chat.models import Conversation, Message, MessageStatus
from chat.writer import ReplyWriter
from inference import conf
from inference.types import FinishReason, Usage
from jobs import queue, worker
from jobs.log import get_log
from jobs.memory_log import KEEP_LOGS, MemoryLog
from jobs.models import Job, JobState
from knowledge import lexical
from knowledge.models import Collection
from tests.chat.talk import ask, events_of, guest, joined, make_assistant, make_collection, make_user
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How many days do I have to return a kettle?"


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> Iterator[None]:
    make_assistant("support", make_collection())
    get_log.cache_clear()
    yield
    conf.reset()
    for collection in Collection.objects.all():  # the word index is no table that Django empties
        lexical.remove_ids(lexical.list_ids(collection.pk))


def half_written(*pieces: str) -> tuple[Message, ReplyWriter]:
    """Start a turn, claim it, and write some pieces of its reply."""
    accepted = turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")
    job = queue.claim("inference")
    assert job is not None
    writer = ReplyWriter(accepted.reply, job.attempt)
    write(writer, *pieces)
    return Message.objects.get(pk=accepted.reply.pk), writer


def write(writer: ReplyWriter, *pieces: str) -> None:
    """Write pieces as one delta each."""
    for piece in pieces:
        writer.push(piece)
        writer._flush()


def end(writer: ReplyWriter) -> None:
    """Finish a reply."""
    writer.finish(FinishReason.STOP, Usage(), endings.no_timings(), engine="e", model="m")


def lose_log() -> None:
    """Forget all logs, as a restart of the process does."""
    get_log.cache_clear()


def read_while(reply: Message, after: int, act: Callable[[], None]) -> list[Mapping[str, object]]:
    """Follow a reply; call `act` once the first event is there; return all events."""

    async def read() -> list[Mapping[str, object]]:
        told: list[Mapping[str, object]] = []
        async with aclosing(streams.follow(reply, after)) as events:
            async for event in events:
                told.append(event)
                if len(told) == 1:
                    await asyncio.to_thread(act)
        return told

    return asyncio.run(asyncio.wait_for(read(), 20))


def text_of(told: Sequence[Mapping[str, object]]) -> str:
    """Add up events as a client does; deltas must follow each other by 1."""
    text, seq = "", 0
    for event in told:
        if event["type"] == "reply.snapshot":
            text, seq = str(event["text"]), int(str(event["seq"]))
        elif event["type"] == "reply.delta":
            assert event["seq"] == seq + 1
            text, seq = text + str(event["text"]), seq + 1
    return text


@pytest.mark.parametrize("after", [99, 2**31 - 1])
def test_a_reader_who_claims_more_than_was_written_gets_all_of_it(after: int) -> None:
    reply, writer = half_written("One ", "two ", "three ")

    def go_on() -> None:
        write(writer, "four.")
        end(writer)

    told = read_while(reply, after, go_on)

    assert told[0]["type"] == "reply.snapshot"
    assert (told[0]["text"], told[0]["seq"]) == ("One two three", 3)
    assert text_of(told) == "One two three four."
    assert told[-1]["text"] == "One two three four."


def test_a_reader_of_a_log_that_lost_its_start_waits_for_the_next_checkpoint() -> None:
    reply, writer = half_written("One ", "two ")
    lose_log()
    write(writer, "three ")

    def go_on() -> None:
        writer._saved_at = 0.0  # a checkpoint is due
        write(writer, "four ")
        end(writer)

    told = read_while(reply, 0, go_on)

    assert text_of(told) == "One two three four "
    assert told[-1]["type"] == "reply.finish"


def test_a_piece_of_a_lost_text_is_not_taken_for_one_of_the_new_text() -> None:
    reply, _writer = half_written("a ", "b ", "c ", "d ")
    lose_log()  # the whole process was killed before a checkpoint
    queue.release_all_leases()
    worker.sweep()
    worker.work("inference")

    told = events_of(reply, after=4)

    assert [e["type"] for e in told if e["type"] == "reply.snapshot"]
    assert text_of(told) == Message.objects.get(pk=reply.pk).text


def test_what_was_written_stays_when_the_worker_breaks_down() -> None:
    reply, _writer = half_written("Half an ", "answer")
    job = Job.objects.get()
    queue.finish(job, JobState.FAILED, "internal")

    endings.fail_turn(Job.objects.get())

    reply.refresh_from_db()
    assert (reply.status, reply.text, reply.seq) == (MessageStatus.FAILED, "Half an answer", 2)
    told = events_of(reply)
    assert told[-1]["type"] == "reply.error"
    assert text_of(told) == reply.text


def test_what_was_written_stays_when_a_reply_is_stopped_between_two_workers() -> None:
    reply, _writer = half_written("Half an ", "answer")
    queue.release_all_leases()
    queue.sweep()

    assert queue.cancel(Job.objects.get().pk) == JobState.CANCELLED
    endings.stop_unattended(reply)

    reply.refresh_from_db()
    assert (reply.status, reply.text) == (MessageStatus.STOPPED, "Half an answer")
    assert text_of(events_of(reply)) == reply.text


def test_a_reply_that_was_stopped_and_lost_its_worker_ends_as_stopped() -> None:
    visitor = guest()
    accepted = turns.start_turn(visitor, QUESTION, uuid4().hex, assistant_slug="support")
    assert queue.claim("inference") is not None
    turns.cancel_turn(visitor, accepted.reply.pk)
    queue.release_all_leases()

    worker.sweep()

    assert Message.objects.get(pk=accepted.reply.pk).status == MessageStatus.STOPPED
    assert events_of(accepted.reply)[-1]["finish_reason"] == "cancelled"


def test_a_reply_whose_workers_died_says_so() -> None:
    accepted = turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support")
    for _ in range(2):
        assert queue.claim("inference") is not None
        queue.release_all_leases()
        worker.sweep()

    assert events_of(accepted.reply)[-1]["code"] == "worker_lost"


@pytest.mark.parametrize(
    ("state", "status"),
    [(JobState.FAILED, MessageStatus.FAILED), (JobState.CANCELLED, MessageStatus.STOPPED)],
)
def test_a_reply_left_open_by_a_process_that_died_between_job_and_row_is_ended(
    state: JobState, status: MessageStatus
) -> None:
    reply, _writer = half_written("Half")
    Job.objects.update(state=state, finished_at="2026-01-01T00:00:00Z")

    worker.sweep()

    reply.refresh_from_db()
    assert (reply.status, reply.text) == (status, "Half")


def test_deleting_a_chat_in_mid_reply_frees_its_owner_at_once() -> None:
    reply, writer = half_written("Half")
    Conversation.objects.all().delete()

    assert worker.work("inference") == 0
    with pytest.raises(Exception, match=str(reply.pk)):
        end(writer)

    told: list[object] = []

    async def read() -> None:
        told.extend([entry async for entry in get_log().follow(str(reply.pk))])

    asyncio.run(asyncio.wait_for(read(), 5))  # the log is closed: nobody follows it for ever


def test_a_model_that_is_missing_ends_the_reply_with_its_own_code(settings: Settings) -> None:
    settings.ENGINE = "onnx"
    settings.MODEL_PATH = "/nowhere"
    worker._slots.cache_clear()
    conf.reset()

    reply = ask(guest(), QUESTION)

    worker._slots.cache_clear()
    assert (reply.status, reply.error_code) == (MessageStatus.FAILED, "model_not_found")
    assert events_of(reply)[-1]["type"] == "reply.error"


def test_the_same_send_twice_at_the_same_moment_in_one_chat_is_one_turn() -> None:
    visitor = guest()
    chats = [ask(visitor, QUESTION).conversation_id for _ in range(5)]
    together = Barrier(2)

    def send(chat: UUID) -> tuple[UUID, bool]:
        together.wait(10)
        try:
            sent = turns.start_turn(visitor, "And?", f"send-{chat}", conversation_id=chat)
            return sent.reply.pk, sent.is_repeat
        finally:
            connection.close()

    for chat in chats:
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(send, [chat, chat])

        assert first[0] == second[0]
        assert {first[1], second[1]} == {True, False}


def test_a_client_id_of_a_question_does_not_regenerate_anything() -> None:
    visitor, client_id = make_user("alice"), uuid4().hex
    accepted = turns.start_turn(visitor, QUESTION, client_id, assistant_slug="support")
    worker.work("inference")

    with pytest.raises(NotFound):
        turns.regenerate_turn(visitor, accepted.reply.pk, client_id)


def test_the_same_regenerate_twice_is_one_reply() -> None:
    visitor, client_id = make_user("alice"), uuid4().hex
    reply = ask(visitor, QUESTION)

    first = turns.regenerate_turn(visitor, reply.pk, client_id)
    again = turns.regenerate_turn(visitor, reply.pk, client_id)

    assert (again.reply.pk, again.question.pk, again.is_repeat) == (first.reply.pk, first.question.pk, True)


async def test_logs_in_memory_are_forgotten_when_many_newer_ones_have_ended() -> None:
    log = MemoryLog()
    for n in range(KEEP_LOGS + 50):
        log.append(str(n), 1, [{"type": "a"}])
        log.close(str(n))
    follower = log.follow("nobody writes this")
    waiting = asyncio.create_task(anext(follower))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await follower.aclose()

    assert len(log._logs) == KEEP_LOGS
    assert log.replay("0") == []
    assert log.replay(str(KEEP_LOGS + 49)) != []


def test_deltas_join_to_the_stored_text_after_a_crash_and_a_stop() -> None:
    reply, writer = half_written("x ")
    writer.restart()
    write(writer, "One ", "two ")
    writer.finish(FinishReason.CANCELLED, Usage(), endings.no_timings(), engine="e", model="m")

    told = events_of(reply)

    restart = next(n for n, event in enumerate(told) if event["type"] == "reply.snapshot")
    assert joined(told[restart:]) == "One two " == Message.objects.get(pk=reply.pk).text


def test_a_reader_is_never_further_behind_than_the_window_and_goes_on_when_it_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumers, "WINDOW", 10)
    reply, writer = half_written(*(f"{n} " for n in range(25)))
    end(writer)
    told: list[dict[str, object]] = []

    async def send(frame: str) -> None:
        told.append(json.loads(frame))

    def deltas() -> int:
        return sum(event["type"] == "reply.delta" for event in told)

    async def read() -> None:
        follower = consumers._Follower(reply, 0, send)
        for expected in (10, 20, 26):
            async with asyncio.timeout(5):
                while deltas() < expected:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            assert deltas() == expected
            follower.acknowledge(expected)
        await follower.task

    asyncio.run(read())

    assert text_of(told) == Message.objects.get(pk=reply.pk).text
    assert told[-1]["type"] == "reply.finish"


def test_a_reader_that_never_tells_gets_the_rest_as_one_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "WINDOW", 10)
    monkeypatch.setattr(consumers, "ROOM_POLL_S", 0.05)
    reply, writer = half_written(*(f"{n} " for n in range(25)))
    end(writer)
    told: list[dict[str, object]] = []

    async def send(frame: str) -> None:
        told.append(json.loads(frame))

    async def read() -> None:
        await consumers._Follower(reply, 0, send).task

    asyncio.run(read())

    assert text_of(told) == Message.objects.get(pk=reply.pk).text
    assert told[-1]["type"] == "reply.finish"
    assert sum(event["type"] == "reply.delta" for event in told) == 10
