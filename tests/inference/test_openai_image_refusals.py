"""What servers with OpenAI's interface say to images they do not take, and what becomes of it."""

import json
import logging
from collections.abc import Iterator

import pytest

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    BadRequest,
    EngineError,
    EngineUnavailable,
    ImageRefused,
    ImagesNotSupported,
    ModelNotFound,
)
from inference.types import ChatMessage, GenerationRequest, Image, Role
from tests.inference.pictures import noise, picture
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail, seconds_to_stop
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.openai_like import DONE, chunk, counts, openai_server, refuses, says
from tests.inference.servers.wire import Exchange, WireServer

MODEL = "microsoft/Phi-3.5-vision-instruct"
VLLM = {"error": {"message": "my-phi is not a multimodal model None", "type": "BadRequestError", "code": 400}}
VLLM_NONE = {"object": "error", "message": "At most 0 image(s) may be provided in one prompt.", "code": 400}
LLAMA_CPP_SAYS = (
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
)
LLAMA_CPP = {"error": {"code": 500, "message": LLAMA_CPP_SAYS, "type": "server_error"}}
LLAMA_CPP_IMAGE = {"error": {"code": 400, "message": "Failed to load image or audio file"}}
LM_STUDIO = {"error": "Model does not support images. Please use a model that does."}
AZURE = {"error": {"message": "Invalid content type. image_url is only supported by certain models."}}
AZURE_IMAGE = {"error": {"code": "image_parse_error", "message": "You uploaded an unsupported image."}}
FASTAPI = {
    "detail": [
        {
            "loc": ["body", "messages", 0, "content"],
            "msg": "Input should be a valid string",
            "type": "string_type",
            "input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR"}}],
        }
    ]
}
RUST = {"error": {"message": "messages[0].content: invalid type: sequence, expected a string"}}
MLX = {"error": "Only 'text' content type is supported."}


def looking(image: Image) -> GenerationRequest:
    return asked(messages=(ChatMessage(Role.USER, "What is this?", (image,)),))


LOOK = looking(picture())


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", model=MODEL, timeouts=QUICK)) as engine:
        yield engine


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, VLLM, ImagesNotSupported),
        (400, VLLM_NONE, ImagesNotSupported),
        (500, LLAMA_CPP, ImagesNotSupported),
        (400, LM_STUDIO, ImagesNotSupported),
        (400, AZURE, ImagesNotSupported),
        (422, FASTAPI, ImagesNotSupported),
        (400, RUST, ImagesNotSupported),
        (404, MLX, ImagesNotSupported),
        (415, "", ImagesNotSupported),
        (400, LLAMA_CPP_IMAGE, ImageRefused),
        (400, AZURE_IMAGE, ImageRefused),
        (500, {"error": "cannot identify image file <_io.BytesIO>"}, ImageRefused),
        (400, {"error": {"message": "temperature must be below 2"}}, BadRequest),
        (500, "Internal Server Error", EngineUnavailable),
        (404, "404 page not found", ModelNotFound),
    ],
)
def test_a_refused_image_is_the_error_it_means_and_the_next_question_served(
    status: int, body: object, kind: type[EngineError], server: WireServer, engine: RemoteEngine
) -> None:
    server.answer = refuses(status, body)
    for _ in range(2):
        hear_fail(engine, kind, LOOK)
    server.answer = counts

    assert hear(engine)[0] == NUMBERS
    assert engine.sees_images == (kind is not ImagesNotSupported)


def test_a_refusal_inside_the_stream_is_understood_too(server: WireServer, engine: RemoteEngine) -> None:
    server.answer = says(f"data: {json.dumps(LLAMA_CPP)}\n\n", DONE)

    hear_fail(engine, ImagesNotSupported, LOOK)

    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [VLLM, LLAMA_CPP_IMAGE, FASTAPI, RUST])
def test_the_same_words_to_a_question_in_text_are_no_matter_of_images(
    body: object, server: WireServer, engine: RemoteEngine
) -> None:
    server.answer = refuses(400, body)

    hear_fail(engine, BadRequest)

    assert engine.sees_images


def test_a_reader_who_leaves_closes_the_call_of_an_image(server: WireServer, engine: RemoteEngine) -> None:
    def silent(exchange: Exchange) -> None:
        exchange.head()
        exchange.write(chunk("one"))
        exchange.hold()

    server.answer = silent
    heard: list[object] = []
    heard.extend(engine.stream(looking(noise(500, 500)), should_stop=lambda: len(heard) > 0))

    assert len(heard) == 2
    assert server.hung_up.wait(1)
    assert seconds_to_stop(engine, lambda: len(server.requests) > 1) < 1


def test_no_image_reaches_a_log_or_an_error(
    server: WireServer, engine: RemoteEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = lambda exchange: exchange.whole(
        400, {"error": {"message": f"I do not like {exchange.body['messages']}"}}
    )

    _, error = hear_fail(engine, BadRequest, looking(noise(40, 40)))

    assert "I do not like" in str(error)
    assert "iVBOR" not in str(error) + caplog.text + repr(LOOK)


def test_broken_images_do_not_make_a_server_look_broken(server: WireServer, engine: RemoteEngine) -> None:
    server.answer = refuses(500, {"error": "cannot identify image file <_io.BytesIO>"})
    for _ in range(4):
        hear_fail(engine, ImageRefused, LOOK)
    server.answer = counts

    assert hear(engine)[0] == NUMBERS
    assert len(server.requests) == 5
