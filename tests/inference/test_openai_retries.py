"""The openai engine: when it asks again, when not, and what nobody gets to see."""

import logging
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    ContentRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    ModelNotFound,
    NotAuthorised,
    ServiceRetired,
)
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.openai_like import (
    MODEL,
    chunk,
    event,
    openai_server,
    refuses,
    says,
)
from tests.inference.servers.wire import Exchange, WireServer, free_port

KEY = "sk-not-to-be-seen-4711"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", key=KEY, model=MODEL, timeouts=QUICK)) as engine:
        yield engine


class TestTryingAgain:
    @pytest.mark.parametrize("status", [429, 503])
    def test_a_busy_server_is_asked_three_times(
        self, status: int, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(status, {"error": {"message": "slow down"}}, retry_after_ms="30")

        _, error = hear_fail(engine, EngineBusy)

        assert "slow down" in str(error)
        assert len(server.requests) == 3

    def test_retry_after_is_honoured(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answers = [
            refuses(429, {}, Retry_After="0.3"),
            refuses(503, {}, Retry_After=formatdate(usegmt=True)),
        ]
        started_at = time.monotonic()

        assert hear(engine)[0] == NUMBERS
        assert time.monotonic() - started_at >= 0.3

    def test_a_server_that_wants_more_than_twenty_seconds_is_busy_now(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(429, {}, Retry_After="21")

        hear_fail(engine, EngineBusy)

        assert len(server.requests) == 1

    def test_a_fault_is_tried_once_more(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answers = [refuses(500, {"error": {"message": "oops"}})]

        assert hear(engine)[0] == NUMBERS

    def test_three_replies_lost_to_faults_give_the_server_a_rest(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(500, "<html><h1>Internal Server Error</h1></html>")
        for _ in range(3):
            hear_fail(engine, EngineUnavailable)
        sent = len(server.requests)

        _, error = hear_fail(engine, EngineUnavailable)

        assert sent == len(server.requests) == 6
        assert "asked again in" in str(error)
        assert "Internal Server Error" in str(error)

    def test_a_server_that_is_not_there_is_left_alone_until_it_is_healthy(self) -> None:
        with closing(
            OpenAIEngine(f"http://127.0.0.1:{free_port()}/v1", model=MODEL, timeouts=QUICK)
        ) as engine:
            _, first = hear_fail(engine, EngineUnavailable)
            _, second = hear_fail(engine, EngineUnavailable)

            assert "cannot reach http://127.0.0.1" in str(first)
            assert "asked again in" in str(second)
            assert not engine.health().is_ready

    def test_a_server_that_speaks_no_tls_is_not_reached(self, server: WireServer) -> None:
        address = server.url.replace("http:", "https:")
        with closing(OpenAIEngine(f"{address}/v1", model=MODEL, timeouts=QUICK)) as engine:
            _, error = hear_fail(engine, EngineUnavailable)

        assert "cannot reach https://127.0.0.1" in str(error)
        assert server.requests == []

    def test_health_ends_the_rest_of_a_server_that_came_back(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [refuses(500, {})] * 6
        for _ in range(3):
            hear_fail(engine, EngineUnavailable)

        assert engine.health().is_ready
        assert hear(engine)[0] == NUMBERS

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, NotAuthorised),
            (403, NotAuthorised),
            (404, ModelNotFound),
            (410, ServiceRetired),
            (307, EngineUnavailable),
        ],
    )
    def test_what_will_not_change_is_not_asked_again(
        self, status: int, kind: type[EngineError], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(status, {"error": {"message": "no"}}, Location="https://elsewhere.example/")

        hear_fail(engine, kind)

        assert len(server.requests) == 1

    def test_a_content_filter_is_told_apart(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answer = says(chunk("one"), chunk(finish="content_filter"))
        assert hear_fail(engine, ContentRefused)[0] == "one"

        server.answer = refuses(400, {"error": {"message": "filtered", "code": "content_filter"}})
        hear_fail(engine, ContentRefused)


class TestSecrets:
    @pytest.mark.parametrize(
        "answer",
        [
            refuses(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
            refuses(500, f"<p>Authorization: Bearer {KEY}</p>"),
            says(event({"error": {"message": f"key {KEY} expired", "code": 401}})),
            says(chunk("one"), event({"error": f"key {KEY} expired"})),
            lambda exchange: exchange.reset(),
        ],
    )
    def test_the_key_is_in_no_error_and_no_log(
        self,
        answer: Callable[[Exchange], None],
        server: WireServer,
        engine: RemoteEngine,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.answer = answer

        with pytest.raises(EngineError) as failed:
            list(engine.stream(asked()))
        logging.getLogger("inference").error("failed", exc_info=failed.value)

        assert KEY not in str(failed.value)
        assert KEY not in caplog.text
        assert "failed" in caplog.text

    def test_a_password_in_the_address_is_sent_but_not_shown(
        self, server: WireServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.listing = server.answer = refuses(403, {"error": "go away"})
        address = f"{server.url}/v1".replace("//", f"//me:{KEY}@")

        with closing(OpenAIEngine(address, model=MODEL)) as engine:
            _, error = hear_fail(engine, NotAuthorised)
            detail = engine.health().detail

        assert server.requests[0].headers["authorization"].startswith("Basic ")
        assert KEY not in caplog.text + str(error) + detail

    def test_a_key_no_header_can_carry_is_refused_without_showing_it(self) -> None:
        with pytest.raises(NotAuthorised) as failed:
            OpenAIEngine("http://127.0.0.1:1/v1", key=f"{KEY}\nX-Other: 1")

        assert KEY not in str(failed.value)

    def test_what_fastapi_repeats_of_the_question_is_not_in_the_error(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        detail = [{"loc": ["body", "seed"], "msg": "should be an integer", "input": "my private question"}]
        server.answer = refuses(422, {"detail": detail})

        with pytest.raises(EngineError) as failed:
            list(engine.stream(asked()))

        assert "should be an integer" in str(failed.value)
        assert "private" not in str(failed.value)
