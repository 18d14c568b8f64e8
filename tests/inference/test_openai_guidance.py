"""Schemas that a reply of the openai engine is held to."""

from collections.abc import Iterator

import pytest

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import GuidanceNotSupported
from inference.types import Guidance, GuidanceKind
from tests.inference.contract import GUIDED, YES_OR_NO
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail
from tests.inference.servers.counting import NUMBERS, YES
from tests.inference.servers.openai_like import DONE, chunk, openai_server, refuses, says
from tests.inference.servers.wire import WireServer

MODEL = "our-deployment"
GUIDE = asked(guidance=GUIDED)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, timeouts=QUICK)) as engine:
        yield engine


def test_a_schema_is_sent_as_the_response_format(server: WireServer, engine: RemoteEngine) -> None:
    assert hear(engine, GUIDE)[0] == YES

    assert server.requests[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": YES_OR_NO, "strict": True},
    }


def test_an_expression_is_refused_before_anything_is_sent(server: WireServer, engine: RemoteEngine) -> None:
    hear_fail(engine, GuidanceNotSupported, asked(guidance=Guidance(GuidanceKind.REGEX, "yes|no")))

    assert server.requests == []
    assert hear(engine)[0] == NUMBERS


@pytest.mark.parametrize(
    ("status", "said", "is_for_good"),
    [
        (422, "Unexpected fields in the request: {'response_format'}", True),
        (400, "response_format: Extra inputs are not permitted", True),
        (400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported", True),
        (400, "This model does not support structured outputs", True),
        (400, "Invalid schema for response_format 'reply': 'required' is required", False),
        (400, "The provided JSON schema contains features not handled by xgrammar", False),
        (500, "failed to parse grammar", False),
    ],
)
def test_a_refused_schema_is_said_and_the_next_question_served(
    status: int, said: str, is_for_good: bool, server: WireServer, engine: RemoteEngine
) -> None:
    server.answers = [refuses(status, {"error": {"message": said}})]

    hear_fail(engine, GuidanceNotSupported, GUIDE)

    assert engine.can_guide != is_for_good
    assert hear(engine)[0] == NUMBERS
    assert len(server.requests) == 2


def test_a_server_that_does_not_read_the_schema_is_found_out(
    server: WireServer, engine: RemoteEngine
) -> None:
    server.answer = says(chunk("Sure! "), chunk(YES), chunk(finish="stop"), DONE)

    text, _ = hear_fail(engine, GuidanceNotSupported, GUIDE)

    assert text == f"Sure! {YES}"
