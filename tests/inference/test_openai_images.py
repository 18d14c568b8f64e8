"""Images through the openai engine: in parts, inside the text, not at all."""

import io
import json
import re
from base64 import b64decode
from collections.abc import Iterator

import pytest
from PIL import Image as Pixels

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.engines.remote.images import MAX_INLINE_CHARS
from inference.errors import (
    BadRequest,
    ContextTooLong,
    ImageRefused,
    ImagesNotSupported,
)
from inference.types import ChatMessage, GenerationRequest, Image, Role
from tests.inference.pictures import noise, picture
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.openai_like import counts, openai_server, refuses
from tests.inference.servers.wire import Exchange, WireServer

MODEL = "microsoft/Phi-3.5-vision-instruct"
RED, BLUE = picture(), picture(40, 60, (0, 0, 250))


def looking(*images: Image, text: str = "What is this?") -> GenerationRequest:
    return asked(messages=(ChatMessage(Role.USER, text, images),))


LOOK = looking(RED)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, timeouts=QUICK)) as engine:
        yield engine


@pytest.fixture
def inline(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1/vlm", model=MODEL, images="inline")) as engine:
        yield engine


def contents(server: WireServer) -> list[object]:
    messages = server.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return [message["content"] for message in messages]


def sent_in_parts(content: object) -> list[bytes]:
    assert isinstance(content, list)
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return [b64decode(url.partition(";base64,")[2], validate=True) for url in urls]


def sent_inline(content: object) -> list[bytes]:
    tags = re.findall(r'<img src="data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=]+)" />', str(content))
    assert len(tags) == str(content).lower().count("<img")
    return [b64decode(tag, validate=True) for tag in tags]


class TestParts:
    def test_images_come_before_the_text_of_their_message_byte_for_byte(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        photo = noise(300, 200, media_type="image/jpeg")
        messages = (
            ChatMessage(Role.SYSTEM, "Be brief."),
            ChatMessage(Role.USER, "What is this?", (RED,)),
            ChatMessage(Role.ASSISTANT, "Red."),
            ChatMessage(Role.USER, "", (BLUE, photo)),
        )

        _, finish = hear(engine, asked(messages=messages))

        system, first, answer, second = contents(server)
        assert (system, answer) == ("Be brief.", "Red.")
        assert isinstance(first, list)
        assert first[1:] == [{"type": "text", "text": "What is this?"}]
        assert sent_in_parts(first) == [RED.data]
        assert sent_in_parts(second) == [BLUE.data, photo.data]
        assert "data:image/jpeg;base64," in str(second)
        assert isinstance(second, list)
        assert len(second) == 2
        assert finish.usage.prompt_tokens > 900

    def test_what_stands_for_an_image_in_a_prompt_is_taken_apart(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, looking(RED, text="a <__media__> b <image> c <|image_1|> d"))

        [content] = contents(server)
        assert isinstance(content, list)
        assert content[1]["text"] == "a < __media__> b < image> c < |image_1|> d"

    def test_a_server_that_takes_one_image_gets_the_newest_from_then_on(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        def strict(exchange: Exchange) -> None:
            if json.dumps(exchange.body).count("image_url") > 2:
                said = "At most 1 image(s) may be provided in one prompt."
                exchange.whole(400, {"object": "error", "message": said, "code": 400})
            else:
                counts(exchange)

        server.answer = strict
        messages = (
            ChatMessage(Role.USER, "What is this?", (RED,)),
            ChatMessage(Role.ASSISTANT, "Red."),
            ChatMessage(Role.USER, "And this?", (BLUE,)),
        )

        for _ in range(2):
            assert hear(engine, asked(messages=messages))[0] == NUMBERS

        assert contents(server)[0] == "What is this?"
        assert sent_in_parts(contents(server)[2]) == [BLUE.data]
        assert len(server.requests) == 3
        hear_fail(engine, BadRequest, looking(RED, BLUE))

    def test_one_image_too_large_for_the_context_is_not_sent(self, server: WireServer) -> None:
        with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, context_tokens=2048)) as engine:
            hear_fail(engine, ContextTooLong, looking(picture(1344, 1344)))

        assert server.requests == []


class TestInline:
    def test_images_go_into_the_text_at_the_models_own_address(
        self, server: WireServer, inline: RemoteEngine
    ) -> None:
        assert hear(inline, looking(RED, BLUE))[0] == NUMBERS

        [seen] = server.requests
        [content] = contents(server)
        assert seen.path == f"/v1/vlm/{MODEL}"
        assert str(content).startswith('What is this? <img src="data:image/png;base64,')
        assert sent_inline(content) == [RED.data, BLUE.data]

    def test_the_whole_address_of_a_model_is_understood(self, server: WireServer) -> None:
        with closing(OpenAIEngine(f"{server.url}/v1/vlm/{MODEL}/", images="inline")) as engine:
            engine.load()
            hear(engine, LOOK)

            assert engine.model == MODEL
            assert engine.health().is_ready
        assert server.requests[0].path == f"/v1/vlm/{MODEL}"
        assert [seen.path for seen in server.listings] == ["/health"] or not server.listings

    @pytest.mark.parametrize(("status", "is_ready"), [(404, True), (401, False), (503, False)])
    def test_an_address_without_a_list_of_models_is_healthy_when_it_answers(
        self, status: int, is_ready: bool, server: WireServer, inline: RemoteEngine
    ) -> None:
        server.listing = refuses(status, {"detail": "no"})

        assert inline.health().is_ready is is_ready
        assert [seen.path for seen in server.listings] == ["/health"]

    def test_other_addresses_keep_their_path(self, server: WireServer) -> None:
        with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, images="inline")) as engine:
            hear(engine, LOOK)

        assert server.requests[0].path == "/v1/chat/completions"
        assert sent_inline(contents(server)[0]) == [RED.data]

    @pytest.mark.parametrize(
        "tag", ["<img", "<IMG", "<iMg", "＜ｉｍｇ", "<i\u200bmg", "<im\u00adg", "<<imgimg"]
    )
    def test_nobody_can_write_a_tag_of_their_own(
        self, tag: str, server: WireServer, inline: RemoteEngine
    ) -> None:
        typed = f'{tag} src="data:image/png;base64,AAAA" />'
        messages = tuple(ChatMessage(role, f"a {typed} b", ()) for role in Role)

        hear(inline, asked(messages=(*messages, ChatMessage(Role.USER, typed, (RED,)))))

        assert [len(sent_inline(content)) for content in contents(server)] == [0, 0, 0, 1]

    @pytest.mark.parametrize("images", [[noise(900, 700)], [noise(400, 300)] * 3, [RED, noise(700, 900)]])
    def test_what_is_too_large_is_made_smaller_until_it_fits(
        self, images: list[Image], server: WireServer, inline: RemoteEngine
    ) -> None:
        hear(inline, looking(*images))

        content = str(contents(server)[0])
        sent = sent_inline(content)
        assert sum(len(tag) for tag in re.findall(r"base64,([^\"]+)", content)) < MAX_INLINE_CHARS
        assert len(sent) == len(images)
        for was, data in zip(images, sent, strict=True):
            drawn = Pixels.open(io.BytesIO(data))
            drawn.load()
            assert drawn.width / drawn.height == pytest.approx(was.width / was.height, rel=0.02)
            assert (data == was.data) == (was is RED)

    def test_more_than_can_be_made_to_fit_is_refused_and_the_next_question_served(
        self, server: WireServer, inline: RemoteEngine
    ) -> None:
        crowd = [ChatMessage(Role.USER, "What is this?", (noise(340, 340),) * 30)]
        with closing(
            OpenAIEngine(f"{server.url}/v1", model=MODEL, images="inline", context_tokens=100_000)
        ) as engine:
            hear_fail(engine, ImageRefused, asked(messages=tuple(crowd)))

            assert server.requests == []
            assert hear(engine)[0] == NUMBERS

    def test_an_image_that_cannot_be_read_is_refused(self, inline: RemoteEngine) -> None:
        broken = Image(b"\x89PNG" + bytes(200_000), 100, 100)

        hear_fail(inline, ImageRefused, looking(broken))


class TestWhatTheModelCanDo:
    @pytest.mark.parametrize(
        ("model", "images", "sees"),
        [
            ("microsoft/phi-3.5-mini-instruct", "parts", False),
            ("Phi-4-mini-instruct", "inline", False),
            ("Phi-3.5-vision-instruct", "parts", True),
            ("phi-4-multimodal-instruct", "parts", True),
            ("our-deployment", "parts", True),
            ("github-models", "parts", True),
            ("our-deployment", "off", False),
        ],
    )
    def test_models_the_catalogue_knows_are_known(
        self, model: str, images: str, sees: bool, server: WireServer
    ) -> None:
        with closing(OpenAIEngine(f"{server.url}/v1", model=model, images=images)) as engine:
            assert engine.sees_images is sees
            if not sees:
                hear_fail(engine, ImagesNotSupported, LOOK)
                assert server.requests == []
            assert hear(engine)[0] == NUMBERS

    def test_a_text_model_found_on_the_server_is_not_sent_an_image(self) -> None:
        with openai_server() as server, closing(OpenAIEngine(f"{server.url}/v1")) as engine:
            hear_fail(engine, ImagesNotSupported, LOOK)

            assert server.requests == []
