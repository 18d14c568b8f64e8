"""A reply whose writer dies is gone on with by the next one: nothing twice, nothing missing."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from chat import answering, turns
from chat.models import Message, MessageStatus
from chat.replies import _question
from chat.sources import source_items
from chat.writer import ReplyWriter
from inference import conf
from inference.engines.extractive import ExtractiveEngine
from inference.engines.onnx import OnnxEngine
from inference.errors import EngineCrashed
from inference.types import Delta, GenerationRequest, ShouldStop, StreamEvent, never_stop
from jobs import queue, worker
from jobs.log import get_log
from knowledge import lexical
from knowledge.models import Collection
from tests.chat.talk import ask, events_of, guest, joined, make_assistant, make_collection
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How many days do I have to return a kettle, and who pays for the parcel?"


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> Iterator[None]:
    make_assistant("support", make_collection())
    yield
    conf._engines.clear()
    for collection in Collection.objects.all():  # the word index is no table that Django empties
        lexical.remove_ids(lexical.list_ids(collection.pk))


class Mortal(ExtractiveEngine):
    """Dies once, after so many words."""

    def __init__(self, words: int, *, can_continue: bool = True) -> None:
        super().__init__()
        self.can_continue = can_continue
        self.sees_images = self.can_guide = False
        self._words = words

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write, and die."""
        for number, event in enumerate(super().stream(request, should_stop=should_stop)):
            if number == self._words:
                self._words = -1
                raise EngineCrashed("as asked")
            yield event


def raw_pieces(reply: Message) -> list[str]:
    """What the engine writes for a question."""
    question = _question(reply)
    engine = ExtractiveEngine()
    request = answering.plan(question, answering.retrieve(question), engine).request
    return [event.text for event in engine.stream(request) if isinstance(event, Delta)]


def write_and_die(visitor_reply: Message, words: int, *, shown: bool = True) -> None:
    """Write some words as the first attempt does, and never come back."""
    job = queue.claim("inference")
    assert job is not None
    reply = Message.objects.get(pk=visitor_reply.pk)
    writer = ReplyWriter(reply, job.attempt)
    writer.give_sources(source_items(answering.retrieve(_question(reply)).passages))
    for piece in raw_pieces(reply)[:words]:
        writer.push(piece)
        writer._flush()
    if shown:
        writer.keep()
    queue.release_all_leases()
    worker.sweep()


def started() -> Message:
    return turns.start_turn(guest(), QUESTION, uuid4().hex, assistant_slug="support").reply


def ended(reply: Message) -> Message:
    worker.work("inference")
    return Message.objects.get(pk=reply.pk)


def types(told: list[Mapping[str, object]]) -> list[object]:
    return [event["type"] for event in told]


def assert_told_once_and_whole(reply: Message) -> None:
    told = events_of(reply)
    blocks = [event["block"] for event in told if event["type"] == "reply.block"]

    assert reply.status == MessageStatus.DONE
    assert joined(told) == reply.text == told[-1]["text"]
    assert [e["seq"] for e in told if e["type"] == "reply.delta"] == list(range(1, reply.seq + 1))
    assert blocks == list(range(len(blocks)))
    assert types(told).count("reply.sources") == 1
    assert "reply.snapshot" not in types(told)


def test_wherever_the_worker_died_the_text_and_its_blocks_are_those_of_a_reply_that_nobody_disturbed() -> (
    None
):
    whole = ask(guest(), QUESTION)
    count = len(raw_pieces(whole))
    html = [event["html"] for event in events_of(whole) if event["type"] == "reply.block"]

    for words in (0, 1, count // 2, count - 2, count - 1, count):
        reply = started()
        write_and_die(reply, words)
        reply = ended(reply)

        assert_told_once_and_whole(reply)
        assert reply.text == whole.text
        assert [(c["n"], c["start"], c["end"]) for c in reply.citations] == [
            (c["n"], c["start"], c["end"]) for c in whole.citations
        ]
        assert [e["html"] for e in events_of(reply) if e["type"] == "reply.block"] == html
        assert reply.usage["completion_tokens"] == whole.usage["completion_tokens"]


def test_a_reader_in_the_middle_gets_what_follows_and_nothing_else() -> None:
    reply = started()
    write_and_die(reply, 6)
    reply = ended(reply)

    told = events_of(reply, after=4)

    assert [e["seq"] for e in told if e["type"] == "reply.delta"] == list(range(5, reply.seq + 1))
    assert "reply.snapshot" not in types(told)


def test_the_text_goes_on_from_the_row_when_the_log_is_gone() -> None:
    whole = ask(guest(), QUESTION)
    reply = started()
    write_and_die(reply, 6)
    get_log.cache_clear()
    reply = ended(reply)

    told = events_of(reply, after=6)

    snapshots = [event for event in told if event["type"] == "reply.snapshot"]
    assert [s["text"] for s in snapshots] == ["".join(raw_pieces(reply)[:6]).rstrip(" ")]
    assert int(str(snapshots[0]["seq"])) > 6
    assert str(snapshots[0]["text"]) + joined(told) == reply.text == whole.text


def test_the_text_begins_anew_when_neither_log_nor_row_has_it() -> None:
    reply = started()
    write_and_die(reply, 6, shown=False)
    get_log.cache_clear()
    reply = ended(reply)

    told = events_of(reply, after=6)

    snapshot = next(event for event in told if event["type"] == "reply.snapshot")
    assert (snapshot["text"], int(str(snapshot["seq"])) > 6) == ("", True)
    assert joined(told) == reply.text


def test_an_engine_that_dies_goes_on_behind_the_readers_back() -> None:
    whole = ask(guest(), QUESTION)

    for words in range(len(raw_pieces(whole)) + 1):
        conf._engines["extractive"] = Mortal(words)
        reply = ask(guest(), QUESTION)

        assert_told_once_and_whole(reply)
        assert reply.text == whole.text


class Killed(OnnxEngine):
    """Its child process is killed once, after so many pieces; 0 = never."""

    pieces = 0

    def stream(
        self, request: GenerationRequest, *, should_stop: ShouldStop = never_stop
    ) -> Iterator[StreamEvent]:
        """Write; kill."""
        for number, event in enumerate(super().stream(request, should_stop=should_stop), start=1):
            if number == self.pieces and self.host.pid:
                self.pieces = 0
                os.kill(self.host.pid, signal.SIGKILL)
            yield event


def test_a_model_whose_process_is_killed_goes_on_with_the_same_words() -> None:
    engine = Killed(Path(__file__).resolve().parents[1] / "fixtures" / "tiny-phi3", max_rows=1)
    conf._engines["extractive"] = engine
    whole = ask(guest(), QUESTION)

    for pieces in (1, 2, 3):
        engine.pieces = pieces
        reply = ask(guest(), QUESTION)

        assert_told_once_and_whole(reply)
        assert reply.text == whole.text
        assert engine.pieces == 0  # it was killed
    engine.close()


def test_an_engine_that_cannot_continue_begins_anew_behind_a_snapshot() -> None:
    whole = ask(guest(), QUESTION)
    conf._engines["extractive"] = Mortal(5, can_continue=False)

    reply = ask(guest(), QUESTION)

    told = events_of(reply)
    at = types(told).index("reply.snapshot")
    assert told[at]["text"] == ""
    assert joined(told[at:]) == reply.text == whole.text


def test_a_text_written_from_other_passages_begins_anew() -> None:
    reply = started()
    write_and_die(reply, 6)
    assistant = reply.conversation.assistant
    assistant.collections.set(
        [make_collection("other", text="# Kettles\n\nReturn a kettle within 9 days.\n")]
    )

    reply = ended(reply)

    told = events_of(reply)
    at = types(told).index("reply.snapshot")
    assert told[at]["text"] == ""
    assert "9 days" in joined(told[at:]) == reply.text
    assert {source["document"] for source in reply.sources} != {"", None}


def test_a_text_nobody_would_have_begun_like_this_begins_anew() -> None:
    reply = started()
    job = queue.claim("inference")
    assert job is not None
    writer = ReplyWriter(Message.objects.get(pk=reply.pk), job.attempt)
    writer.give_sources(source_items(answering.retrieve(_question(reply)).passages))
    writer.push("half an ans")
    queue.release_all_leases()
    worker.sweep()

    reply = ended(reply)

    assert "half an ans" not in reply.text
    assert reply.status == MessageStatus.DONE


def test_the_dead_attempt_cannot_write_between_what_the_next_one_read_and_writes() -> None:
    reply = started()
    job = queue.claim("inference")
    assert job is not None
    zombie = ReplyWriter(Message.objects.get(pk=reply.pk), job.attempt)
    zombie.give_sources(source_items(answering.retrieve(_question(reply)).passages))
    queue.release_all_leases()
    worker.sweep()
    heir = queue.claim("inference")
    assert heir is not None
    writer = ReplyWriter(Message.objects.get(pk=reply.pk), heir.attempt)

    writer.take_over()

    from jobs.errors import LeaseLost

    with pytest.raises(LeaseLost):
        zombie.push("too late")
    assert "reply.snapshot" not in [entry.event["type"] for entry in get_log().replay(str(reply.pk))]
