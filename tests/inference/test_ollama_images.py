"""Images and schemas through the ollama engine."""

import json
import logging
from base64 import b64decode
from collections.abc import Iterator

import pytest

from inference.engines.ollama import OllamaEngine, sight
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    BadRequest,
    EngineError,
    EngineUnavailable,
    GuidanceNotSupported,
    ImageRefused,
    ImagesNotSupported,
    ModelNotFound,
)
from inference.types import ChatMessage, Guidance, GuidanceKind, Role
from tests.inference.contract import GUIDED, YES_OR_NO
from tests.inference.pictures import noise, picture
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail, seconds_to_stop
from tests.inference.servers.counting import NUMBERS, YES
from tests.inference.servers.ollama_like import (
    MODEL,
    READS,
    SEES,
    line,
    lists,
    ollama_server,
    refuses,
    says,
)
from tests.inference.servers.wire import Exchange, WireServer

RED, BLUE = picture(), picture(40, 60, (0, 0, 250))
LOOK = asked(messages=(ChatMessage(Role.USER, "What is this?", (RED,)),))
GUIDE = asked(guidance=GUIDED)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with ollama_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OllamaEngine(server.url, model="phi3.5", timeouts=QUICK)) as engine:
        yield engine


def sent_images(server: WireServer) -> list[list[bytes]]:
    messages = server.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return [[b64decode(one, validate=True) for one in message.get("images", [])] for message in messages]


class TestWhatIsSent:
    def test_images_arrive_byte_for_byte_with_the_messages_they_belong_to(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        photo = noise(300, 200, media_type="image/jpeg")
        messages = (
            ChatMessage(Role.SYSTEM, "Be brief."),
            ChatMessage(Role.USER, "What is this?", (RED,)),
            ChatMessage(Role.ASSISTANT, "Red."),
            ChatMessage(Role.USER, "And these?", (BLUE, photo)),
        )

        _, finish = hear(engine, asked(messages=messages))

        assert sent_images(server) == [[], [RED.data], [], [BLUE.data, photo.data]]
        assert finish.usage.prompt_tokens > 900

    def test_what_stands_for_an_image_in_a_prompt_is_taken_apart(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked("a [img-0] b [img] c"))

        assert server.requests[0].body["messages"] == [{"role": "user", "content": "a [ img-0] b [ img] c"}]

    def test_a_schema_is_sent_as_the_format(self, server: WireServer, engine: RemoteEngine) -> None:
        text, _ = hear(engine, GUIDE)

        assert text == YES
        assert server.requests[0].body["format"] == YES_OR_NO

    @pytest.mark.parametrize(
        ("guidance", "kind"),
        [
            (Guidance(GuidanceKind.REGEX, "yes|no"), GuidanceNotSupported),
            (Guidance(GuidanceKind.JSON_SCHEMA, "{"), BadRequest),
            (Guidance(GuidanceKind.JSON_SCHEMA, "[" * 100_000), BadRequest),
            (Guidance(GuidanceKind.JSON_SCHEMA, "true"), BadRequest),
        ],
    )
    def test_what_is_no_schema_is_not_sent(
        self, guidance: Guidance, kind: type[EngineError], server: WireServer, engine: RemoteEngine
    ) -> None:
        hear_fail(engine, kind, asked(guidance=guidance))

        assert server.requests == []

    def test_images_of_anybody_but_the_user_are_not_sent(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear_fail(engine, BadRequest, asked(messages=(ChatMessage(Role.SYSTEM, "Look.", (RED,)),)))

        assert server.requests == []


class TestWhatTheModelCanDo:
    @pytest.mark.parametrize("learn", ["load", "health"])
    def test_a_text_model_is_known_once_the_server_was_asked(self, learn: str) -> None:
        with (
            ollama_server(listing=lists(MODEL, **READS)) as server,
            closing(OllamaEngine(server.url)) as engine,
        ):
            before = engine.sees_images
            getattr(engine, learn)()
            assert (before, engine.sees_images) == (True, False)

            asked_so_far = len(server.requests)
            hear_fail(engine, ImagesNotSupported, LOOK)
            assert len(server.requests) == asked_so_far
            assert hear(engine)[0] == NUMBERS

    def test_a_text_model_nobody_asked_about_is_found_out_before_an_image_is_sent(self) -> None:
        with (
            ollama_server(listing=lists(MODEL, **READS)) as server,
            closing(OllamaEngine(server.url)) as engine,
        ):
            hear_fail(engine, ImagesNotSupported, LOOK)

            assert server.requests == []

    def test_the_server_is_asked_about_its_model_once(self) -> None:
        with (
            ollama_server(listing=lists(MODEL, **SEES)) as server,
            closing(OllamaEngine(server.url)) as engine,
        ):
            engine.load()
            for _ in range(3):
                hear(engine, LOOK)

            assert [seen.path for seen in server.listings].count("/api/show") == 1

    def test_a_model_that_was_exchanged_is_asked_about_again(self) -> None:
        with (
            ollama_server(listing=lists(MODEL, **READS)) as server,
            closing(OllamaEngine(server.url)) as engine,
        ):
            engine.load()
            engine.close()
            server.listing = lists(MODEL, **SEES)

            engine.load()

            assert hear(engine, LOOK)[0] == NUMBERS

    def test_an_old_server_that_does_not_say_is_sent_the_image(self) -> None:
        def listing(exchange: Exchange) -> None:
            is_shown = exchange.seen.path == "/api/show"
            answer = refuses(404, "404 page not found") if is_shown else lists(MODEL)
            answer(exchange)

        with ollama_server(listing=listing) as server, closing(OllamaEngine(server.url)) as engine:
            engine.load()

            assert hear(engine, LOOK)[0] == NUMBERS

    @pytest.mark.parametrize(
        ("shown", "sees"),
        [
            (SEES, True),
            (READS, False),
            ({"capabilities": ["completion"], "projector_info": {"a": 1}}, False),
            ({"projector_info": {"clip.has_vision_encoder": True}, "details": {"families": ["llama"]}}, True),
            ({"details": {"families": ["llama", "clip"]}}, True),
            ({"details": {"families": ["mllama"]}}, True),
            ({"model_info": {"gemma3.vision.block_count": 27}, "details": {"families": ["gemma3"]}}, True),
            ({"model_info": {"phi3.block_count": 32}, "details": {"families": ["phi3"]}}, False),
            ({"details": {"families": None}}, None),
            ({}, None),
            ("nonsense", None),
        ],
    )
    def test_every_age_of_server_says_it_in_its_own_way(self, shown: object, sees: bool | None) -> None:
        assert sight(shown) is sees


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            (400, "this model does not support image input", ImagesNotSupported),
            (500, "this model is missing data required for image input", ImagesNotSupported),
            (500, "Failed to process inputs: image: unknown format", ImageRefused),
            (400, "illegal base64 data at input byte 4", ImageRefused),
            (500, "llama runner process has terminated: exit status 2", EngineUnavailable),
            (404, 'model "phi3.5" not found, try pulling it first', ModelNotFound),
        ],
    )
    def test_a_refused_image_is_the_error_it_means(
        self, status: int, error: str, kind: type[EngineError], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(status, error)

        hear_fail(engine, kind, LOOK)

        assert engine.sees_images == (kind is not ImagesNotSupported)

    def test_the_next_question_is_served_however_often_an_image_was_refused(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [refuses(500, "this model is missing data required for image input")]
        for _ in range(5):
            hear_fail(engine, ImagesNotSupported, LOOK)

        assert hear(engine)[0] == NUMBERS
        assert len(server.requests) == 2

    @pytest.mark.parametrize(
        ("error", "is_for_good"),
        [
            ("json: cannot unmarshal object into Go struct field ChatRequest.format of type string", True),
            ('invalid format: expected "json" or a JSON Schema', True),
            ("failed to parse grammar", False),
        ],
    )
    def test_a_refused_schema_is_said(
        self, error: str, is_for_good: bool, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [refuses(400, error)]

        hear_fail(engine, GuidanceNotSupported, GUIDE)

        assert engine.can_guide != is_for_good
        assert hear(engine)[0] == NUMBERS

    def test_a_server_that_does_not_read_the_schema_is_found_out(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(line("Yes, it is."), line(done=True, done_reason="stop", eval_count=4))

        text, _ = hear_fail(engine, GuidanceNotSupported, GUIDE)

        assert text == "Yes, it is."

    def test_a_guided_reply_that_is_cut_off_ends_as_one(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        assert hear(engine, asked(guidance=GUIDED, max_tokens=1))[0] == YES.split()[0]

    def test_a_reader_who_leaves_closes_the_call_of_an_image(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = lambda exchange: exchange.hold()
        stopped: list[bool] = []

        def should_stop() -> bool:
            stopped.append(bool(server.requests))
            return stopped[-1]

        assert not hear(engine, LOOK, should_stop=should_stop)[0]
        assert server.hung_up.wait(1)
        assert seconds_to_stop(engine, lambda: len(server.requests) > 1) < 1

    def test_no_image_reaches_a_log_or_an_error(
        self, server: WireServer, engine: RemoteEngine, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        encoded = json.dumps(noise(40, 40).data.hex())
        server.answer = lambda exchange: exchange.whole(
            400, {"error": f"bad image: {exchange.body['messages']} {encoded}"}
        )

        _, error = hear_fail(
            engine, BadRequest, asked(messages=(ChatMessage(Role.USER, "?", (noise(40, 40),)),))
        )

        assert "[image]" in str(error)
        assert "iVBOR" not in str(error) + caplog.text + repr(LOOK)
