"""Replies held to a schema or an expression, on the tiny Phi-3, which was never taught to write either."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.generator import GeneratorRuntime
from inference.errors import BadRequest, CannotContinue, EngineError
from inference.host_frames import Runtime
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Guidance,
    GuidanceKind,
    Role,
    never_stop,
)

LAMP = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}, "watts": {"type": "integer", "maximum": 99}},
    "required": ["colour", "watts"],
    "additionalProperties": False,
}


def schema(described: object) -> Guidance:
    return Guidance(GuidanceKind.JSON_SCHEMA, json.dumps(described))


def regex(pattern: str) -> Guidance:
    return Guidance(GuidanceKind.REGEX, pattern)


def ask(
    guidance: Guidance | None, question: str = "Count to thirty.", **options: object
) -> GenerationRequest:
    given: dict[str, object] = {"max_tokens": 120, "guidance": guidance, **options}
    return GenerationRequest((ChatMessage(Role.USER, question),), **given)  # type: ignore[arg-type]


def read(engine: OnnxEngine, request: GenerationRequest) -> tuple[str, Finish]:
    *deltas, finish = engine.stream(request)
    assert isinstance(finish, Finish)
    return "".join(event.text for event in deltas if isinstance(event, Delta)), finish


@pytest.fixture(scope="module")
def engine(tiny_phi3: Path) -> Iterator[OnnxEngine]:
    engine = OnnxEngine(tiny_phi3)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def generator(tiny_phi3: Path) -> Runtime:
    return GeneratorRuntime(read_folder(tiny_phi3), plan=Plan(1, 4096), threads=1)


def test_the_engine_says_that_it_can(engine: OnnxEngine) -> None:
    assert engine.can_guide


def test_a_reply_has_the_shape_of_its_schema(engine: OnnxEngine) -> None:
    text, finish = read(engine, ask(schema(LAMP)))

    assert finish.reason is FinishReason.STOP
    lamp = json.loads(text)
    assert lamp.keys() == {"colour", "watts"}
    assert lamp["colour"] in {"red", "blue"}
    assert isinstance(lamp["watts"], int)
    assert lamp["watts"] <= 99


@pytest.mark.parametrize("seed", range(5))
def test_a_drawn_reply_has_the_shape_of_its_schema(seed: int, engine: OnnxEngine) -> None:
    request = ask(schema(LAMP), temperature=4.0, top_p=1.0, seed=seed)

    text, finish = read(engine, request)

    assert finish.reason is FinishReason.STOP
    assert json.loads(text)["colour"] in {"red", "blue"}
    assert read(engine, request)[0] == text


def test_no_white_space_is_written_between_the_parts(engine: OnnxEngine) -> None:
    texts = [read(engine, ask(schema(LAMP), temperature=5.0, seed=seed))[0] for seed in range(3)]

    assert not any(character.isspace() for text in texts for character in text)


def test_a_reply_matches_its_expression(engine: OnnxEngine) -> None:
    pattern = r"(red|blue) lamps?: [0-9]{2,4} W"

    text, finish = read(engine, ask(regex(pattern)))

    assert finish.reason is FinishReason.STOP
    assert re.fullmatch(pattern, text)


def test_a_space_at_the_beginning_that_the_expression_asks_for_stays(engine: OnnxEngine) -> None:
    assert read(engine, ask(regex(" [a-z]{3}")))[0].startswith(" ")


def test_a_repetition_penalty_is_heeded(engine: OnnxEngine) -> None:
    plain, _ = read(engine, ask(regex("[a-z]{20}")))
    penalised, _ = read(engine, ask(regex("[a-z]{20}"), repetition_penalty=5.0))

    assert len(penalised) == 20
    assert penalised != plain


def test_a_cut_reply_says_so_and_is_no_error(engine: OnnxEngine) -> None:
    text, finish = read(engine, ask(schema(LAMP), max_tokens=4))

    assert finish.reason is FinishReason.LENGTH
    assert text.startswith("{")


def test_a_cancelled_reply_ends(engine: OnnxEngine) -> None:
    looks = iter(range(3))
    request = ask(regex("[a-z ]{4000}"), max_tokens=3000)

    *_, finish = engine.stream(request, should_stop=lambda: next(looks, None) is None)

    assert isinstance(finish, Finish)
    assert finish.reason is FinishReason.CANCELLED
    assert read(engine, ask(None))[0].startswith("one")


@pytest.mark.parametrize(
    ("guidance", "reason"),
    [
        (Guidance(GuidanceKind.JSON_SCHEMA, "{nope"), "no JSON"),
        (Guidance(GuidanceKind.JSON_SCHEMA, "[1]"), "no JSON object"),
        (Guidance(GuidanceKind.JSON_SCHEMA, ""), "1 to"),
        (schema({"type": "nonsense"}), "Invalid type"),
        (schema({"type": "integer", "minimum": 5, "maximum": 3}), "Unsatisfiable"),
        (schema({"$ref": "http://example.org/schema"}), "does not fetch"),
        (schema({"not": {"type": "string"}}), "not"),
        (regex("(red"), "unclosed group"),
        (regex("a(?=b)"), "look-around"),
        (regex("a" * 20_001), "1 to"),
        (regex("red\x00|blue"), "NUL"),
        (regex("red\ud800"), "half a character"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_reason(
    guidance: Guidance, reason: str, engine: OnnxEngine
) -> None:
    with pytest.raises(BadRequest, match=reason):
        read(engine, ask(guidance))

    assert read(engine, ask(None))[0].startswith("one")


def test_an_expression_that_grows_too_large_fails_its_own_reply_alone(engine: OnnxEngine) -> None:
    endless = ask(regex("(?:(?:(?:[a-z]{1,100}){1,100}){1,100}){1,100}"))

    with ThreadPoolExecutor(2) as together:
        beside = together.submit(read, engine, ask(None))
        with pytest.raises(EngineError, match=r"held to its shape: .*too many expressions"):
            read(engine, endless)

    assert beside.result()[0].startswith("one, two, three")


def test_a_guided_reply_writes_beside_others_without_changing_them(engine: OnnxEngine) -> None:
    alone = [read(engine, ask(None))[0], read(engine, ask(schema(LAMP)))[0]]

    with ThreadPoolExecutor(6) as together:
        asked = [ask(None), ask(schema(LAMP)), ask(regex("[0-9]{9}"))] * 2
        texts = [text for text, _ in together.map(lambda request: read(engine, request), asked)]

    assert [texts[0], texts[1]] == [texts[3], texts[4]] == alone
    assert all(re.fullmatch("[0-9]{9}", text) for text in (texts[2], texts[5]))


def test_a_guided_reply_is_not_continued(engine: OnnxEngine) -> None:
    with pytest.raises(CannotContinue):
        read(engine, ask(regex("one, two, (red|blue)"), prefix="one, two,"))


def test_one_reply_at_a_time_is_guided_as_well(generator: Runtime, engine: OnnxEngine) -> None:
    request = ask(schema(LAMP))
    events = list(generator.stream(request, should_stop=never_stop, on_step=lambda: None))

    text = "".join(event.text for event in events if isinstance(event, Delta))
    assert text == read(engine, request)[0]


def test_one_reply_at_a_time_refuses_what_cannot_be_followed(generator: Runtime) -> None:
    with pytest.raises(BadRequest, match="unclosed"):
        list(generator.stream(ask(regex("(red")), should_stop=never_stop, on_step=lambda: None))


def test_a_model_that_sees_is_guided_as_well(tiny_phi3v: Path) -> None:
    engine = OnnxEngine(tiny_phi3v)

    text, finish = read(engine, ask(regex("(red|blue) [0-9]{2}")))
    engine.close()

    assert finish.reason is FinishReason.STOP
    assert re.fullmatch("(red|blue) [0-9]{2}", text)
