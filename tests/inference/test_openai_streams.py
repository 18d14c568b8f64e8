"""The openai engine: stopping, and streams that break off."""

import time
from collections.abc import Callable, Iterator

import pytest

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    EngineTimeout,
    EngineUnavailable,
    StreamInterrupted,
)
from inference.types import Delta
from tests.inference.remote import IMPATIENT, QUICK, asked, closing, hear, hear_fail, seconds_to_stop
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.openai_like import (
    DONE,
    MODEL,
    chunk,
    event,
    openai_server,
    refuses,
    says,
)
from tests.inference.servers.wire import Exchange, WireServer

KEY = "sk-not-to-be-seen-4711"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", key=KEY, model=MODEL, timeouts=QUICK)) as engine:
        yield engine


@pytest.fixture
def impatient(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, timeouts=IMPATIENT)) as engine:
        yield engine


class TestStopping:
    @pytest.mark.parametrize("has_head", [False, True])
    def test_before_the_first_token_the_call_is_closed_at_once(
        self, has_head: bool, server: WireServer, engine: RemoteEngine
    ) -> None:
        def silent(exchange: Exchange) -> None:
            if has_head:
                exchange.head()
                exchange.write(chunk())
            exchange.wait()

        server.answer = silent

        took_s = seconds_to_stop(engine, lambda: bool(server.requests))

        assert took_s < 1  # of the 20 s the server would be silent
        assert server.hung_up.wait(1)

    def test_in_mid_stream_the_call_is_closed_at_once(self, server: WireServer, engine: RemoteEngine) -> None:
        def endless(exchange: Exchange) -> None:
            exchange.head()
            while True:
                exchange.write(chunk("and "))
                time.sleep(0.01)

        server.answer = endless
        stream = engine.stream(asked())
        assert isinstance(next(stream), Delta)

        stream.close()  # type: ignore[attr-defined]

        assert server.hung_up.wait(1)

    def test_while_it_waits_to_try_again_it_stops_too(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answer = refuses(429, {}, Retry_After="15")

        assert seconds_to_stop(engine, lambda: bool(server.requests)) < 1

    def test_a_closed_engine_ends_its_replies(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answer = lambda exchange: exchange.hold()

        def close_once_asked() -> bool:
            if server.requests:
                engine.close()
            return False

        with pytest.raises(EngineUnavailable, match="closed"):
            list(engine.stream(asked(), should_stop=close_once_asked))

        assert len(server.requests) == 1


class TestBrokenStreams:
    @pytest.mark.parametrize(
        "answer",
        [
            says(chunk("one"), chunk(" two")),
            says(chunk("one"), chunk(" two"), DONE),
            says(chunk("one"), chunk(" two"), ended=False),
            says(chunk("one"), chunk(" two"), chunk(" three")[:20], ended=False),
            says(chunk("one"), chunk(" two"), "data: {garbage\n\n"),
            says(chunk("one"), chunk(" two"), event({"error": {"message": "CUDA error", "code": 500}})),
            says(chunk("one"), chunk(" two"), 'data: {"error": "index "x" is out of range"}\n\n'),
            says(chunk("one"), chunk(" two"), chunk(finish="abort")),
        ],
        ids=["end", "done", "hung up", "cut off", "garbage", "error", "garbled error", "aborted"],
    )
    def test_a_stream_that_ends_early_is_an_error_with_the_text_kept(
        self, answer: Callable[[Exchange], None], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = answer

        text, _ = hear_fail(engine, StreamInterrupted)

        assert text == "one two"
        assert len(server.requests) == 1

    def test_a_reset_connection_is_an_error_with_the_text_kept(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        def reset(exchange: Exchange) -> None:
            exchange.head()
            exchange.write(chunk("one"))
            time.sleep(0.1)  # else the RST overtakes the text
            exchange.reset()

        server.answer = reset

        assert hear_fail(engine, StreamInterrupted)[0] == "one"

    def test_text_held_back_for_a_stop_string_is_kept_as_well(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(chunk("one tw"))

        assert hear_fail(engine, StreamInterrupted, asked(stop=("two",)))[0] == "one tw"

    def test_a_connection_lost_before_the_first_token_is_tried_once_more(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [lambda exchange: exchange.reset()]

        assert hear(engine)[0] == NUMBERS

    @pytest.mark.parametrize(
        "answer",
        [says(), says(DONE), says(chunk()), refuses(200, "<html>\n<p>Sign in</p>"), refuses(200, {})],
    )
    def test_an_answer_that_is_none_is_unavailable(
        self, answer: Callable[[Exchange], None], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = answer

        assert hear_fail(engine, EngineUnavailable)[0] == ""
        assert len(server.requests) == 2

    def test_no_first_token_in_time_is_a_timeout_keep_alives_or_not(
        self, server: WireServer, impatient: RemoteEngine
    ) -> None:
        def dallies(exchange: Exchange) -> None:
            exchange.head()
            while True:
                exchange.write(": keepalive\n\n")
                time.sleep(0.02)

        server.answer = dallies

        hear_fail(impatient, EngineTimeout)
        assert server.hung_up.wait(1)

    def test_no_next_token_in_time_is_a_timeout_with_the_text_kept(
        self, server: WireServer, impatient: RemoteEngine
    ) -> None:
        def stalls(exchange: Exchange) -> None:
            exchange.head()
            exchange.write(chunk("one"))
            exchange.wait()

        server.answer = stalls

        assert hear_fail(impatient, EngineTimeout)[0] == "one"

    def test_a_reader_that_takes_its_time_is_no_timeout(
        self, server: WireServer, impatient: RemoteEngine
    ) -> None:
        stream = impatient.stream(asked())
        heard = [next(stream)]

        time.sleep(IMPATIENT.between_tokens_s + 0.1)
        heard.extend(stream)

        assert len(heard) == 31

    def test_a_stream_without_end_ends(self, server: WireServer, impatient: RemoteEngine) -> None:
        def endless(exchange: Exchange) -> None:
            exchange.head()
            while True:
                exchange.write(chunk("and "))
                time.sleep(0.02)

        server.answer = endless

        assert hear_fail(impatient, EngineTimeout)[0].startswith("and and")

    def test_the_next_question_is_answered(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answers = [says(chunk("one"), ended=False)]
        hear_fail(engine, StreamInterrupted)

        assert hear(engine)[0] == NUMBERS
