"""The onnx engine on the tiny Phi-3-vision: what it sees, what it refuses, and what broken folders do."""

import io
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import PIL.Image
import pytest

from inference.checking import check_folder
from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.pictures import tiling_of
from inference.engines.onnxgenai.runtime import open_runtime
from inference.errors import BadRequest, ContextTooLong, ImageRefused, ImagesNotSupported, ModelBroken
from inference.export.tiny_phi3v.lessons import COLOURS, LATER, NOTHING, ONE, TWO
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Image,
    Role,
    StreamEvent,
)
from tests.inference.contract import EngineContract, request, run
from tests.inference.pictures import noise, picture
from tests.inference.shown import PANEL, STRIP, SYSTEM, ask, said, strip


@pytest.fixture(scope="module")
def engine(tiny_phi3v: Path) -> Iterator[OnnxEngine]:
    engine = OnnxEngine(tiny_phi3v, max_rows=3, hang_after_s=10.0)
    yield engine
    engine.close()


@pytest.fixture
def copied(tiny_phi3v: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_phi3v, tmp_path / "model"))


class TestContract(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, tiny_phi3v: Path) -> Iterator[OnnxEngine]:
        engine = OnnxEngine(tiny_phi3v, max_rows=2, hang_after_s=10.0)
        yield engine
        engine.close()


@pytest.mark.parametrize("colour", COLOURS)
def test_different_pictures_get_different_answers(engine: OnnxEngine, colour: str) -> None:
    assert said(engine, ask(ONE, strip(colour))) == f"The picture is {colour}."


def test_it_says_that_it_sees(engine: OnnxEngine, tiny_phi3: Path) -> None:
    assert engine.sees_images
    assert not OnnxEngine(tiny_phi3).sees_images


def test_a_jpeg_is_seen_as_well(engine: OnnxEngine) -> None:
    written = io.BytesIO()
    PIL.Image.new("RGB", STRIP, COLOURS["blue"]).save(written, "JPEG")

    assert said(engine, ask(ONE, Image(written.getvalue(), *STRIP, "image/jpeg"))) == "The picture is blue."


@pytest.mark.parametrize("pair", permutations(("blue", "yellow")))
def test_two_pictures_are_seen_in_their_order(engine: OnnxEngine, pair: tuple[str, str]) -> None:
    first, second = pair

    answer = said(engine, ask(TWO, strip(first, PANEL), strip(second, PANEL)))

    assert answer == f"The first picture is {first}, the second is {second}."


def later(colour: str) -> GenerationRequest:
    messages = (
        SYSTEM,
        ChatMessage(Role.USER, "Look at this.", (strip(colour),)),
        ChatMessage(Role.ASSISTANT, "Thank you."),
        ChatMessage(Role.USER, LATER),
    )
    return GenerationRequest(messages, max_tokens=20)


@pytest.mark.parametrize("colour", ["yellow", "green"])
def test_a_picture_of_an_earlier_turn_is_still_seen(engine: OnnxEngine, colour: str) -> None:
    assert said(engine, later(colour)) == f"It was {colour}."


def test_a_second_question_about_a_picture_does_not_read_it_again(engine: OnnxEngine) -> None:
    tokens = tiling_of(strip("yellow")).tokens
    run(engine, ask("Look at this.", strip("yellow")))

    _, finish = run(engine, later("yellow"))

    assert tokens < finish.usage.cached_tokens < finish.usage.prompt_tokens


def test_another_picture_of_the_same_size_is_not_taken_for_it(engine: OnnxEngine) -> None:
    size = (241, 30)  # shown by no other test
    run(engine, ask(ONE, strip("green", size)))

    answer, finish = run(engine, ask(ONE, strip("red", size)))

    assert answer == "The picture is red."
    assert finish.usage.cached_tokens < 40


def test_without_a_picture_it_sees_none(engine: OnnxEngine) -> None:
    assert said(engine, ask(ONE)) == NOTHING


def test_letters_that_look_like_a_picture_are_none(engine: OnnxEngine) -> None:
    typed = ask(f"<|image_1|>\n{ONE}")

    assert engine.count_tokens(typed.messages) < 80
    assert run(engine, typed)[1].usage.prompt_tokens < 80
    with_one = ask(f"<|image_2|>\n{ONE}", strip("red"))
    assert engine.count_tokens(with_one.messages) < tiling_of(strip("red")).tokens + 80


def test_a_picture_counts_against_the_context(engine: OnnxEngine) -> None:
    asked = ask(ONE, picture(200, 200))

    counted = engine.count_tokens(asked.messages)

    assert 2509 <= counted - engine.count_tokens(ask(ONE).messages) < 2515
    assert run(engine, asked)[1].usage.prompt_tokens == counted


def test_several_pictures_are_cut_coarser_so_that_five_fit(engine: OnnxEngine) -> None:
    asked = ask(TWO, *(picture(200, 200, colour=(10, 10, shade)) for shade in range(5)))

    assert 5 * 757 <= engine.count_tokens(asked.messages) < 5 * 757 + 80
    assert run(engine, asked)[1].usage.completion_tokens > 0


def test_more_pictures_than_fit_are_refused_and_the_next_one_is_seen(engine: OnnxEngine) -> None:
    with pytest.raises(ContextTooLong):
        run(engine, ask(TWO, *[picture(200, 200)] * 6))

    assert said(engine, ask(ONE, strip("red"))) == "The picture is red."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        picture().data[:40],
        noise(60, 40, media_type="image/jpeg").data[:700],
        noise(60, 40).data[:3000],
        b"GIF89a" + bytes(50),
        picture(3000, 1).data,
    ],
    ids=["empty", "garbage", "header", "cut jpeg", "cut png", "gif", "too narrow"],
)
def test_an_unreadable_picture_is_refused_and_the_next_one_seen(engine: OnnxEngine, data: bytes) -> None:
    engine.load()
    child = engine.host.pid

    with pytest.raises(ImageRefused):
        run(engine, ask(ONE, Image(data, 60, 40)))

    assert said(engine, ask(ONE, strip("red"))) == "The picture is red."
    assert engine.host.pid == child


def test_a_picture_of_another_size_than_was_said_is_refused(engine: OnnxEngine) -> None:
    with pytest.raises(ImageRefused, match="were said"):
        run(engine, ask(ONE, replace(strip("red", (242, 31)), width=241)))


def test_a_picture_in_the_models_own_turn_is_refused_and_not_left_out(engine: OnnxEngine) -> None:
    messages = (
        ChatMessage(Role.USER, "Look at this."),
        ChatMessage(Role.ASSISTANT, "Thank you.", (strip("red"),)),
        ChatMessage(Role.USER, LATER),
    )

    with pytest.raises(BadRequest, match="only a user"):
        run(engine, GenerationRequest(messages, max_tokens=20))


def test_a_text_model_refuses_pictures(tiny_phi3: Path) -> None:
    engine = OnnxEngine(tiny_phi3)

    with pytest.raises(ImagesNotSupported):
        next(engine.stream(ask(ONE, strip("red"))))


def test_cancelled_while_it_writes_about_a_picture_it_ends(engine: OnnxEngine) -> None:
    heard: list[StreamEvent] = []

    heard.extend(engine.stream(ask(ONE, strip("red")), should_stop=lambda: bool(heard)))

    assert [type(event) for event in heard] == [Delta, Finish]
    assert isinstance(heard[-1], Finish)
    assert heard[-1].reason is FinishReason.CANCELLED


def test_an_answer_about_a_picture_is_continued(engine: OnnxEngine) -> None:
    whole = said(engine, ask(ONE, strip("blue")))

    rest = said(engine, ask(ONE, strip("blue"), prefix="The picture"))

    assert "The picture" + rest == whole == "The picture is blue."


def test_several_people_show_pictures_at_the_same_time(engine: OnnxEngine) -> None:
    colours = list(COLOURS) * 2

    with ThreadPoolExecutor(len(colours)) as pool:
        answers = list(pool.map(lambda colour: said(engine, ask(ONE, strip(colour))), colours))

    assert answers == [f"The picture is {colour}." for colour in colours]


def test_sampling_with_a_penalty_goes_on_without_the_pictures_tokens(engine: OnnxEngine) -> None:
    options = {"temperature": 0.7, "seed": 7, "repetition_penalty": 1.1, "max_tokens": 8}

    assert said(engine, ask(ONE, strip("red"), **options)) == said(engine, ask(ONE, strip("red"), **options))


def test_a_model_that_sees_is_checked_with_a_picture(tiny_phi3v: Path) -> None:
    steps = list(check_folder(tiny_phi3v, None, OnnxEngine))

    assert all(step.is_ok for step in steps)
    assert [step.detail for step in steps if step.name == "picture"] == ["5 tokens: 'The picture is red.'"]


@pytest.mark.parametrize("name", ["vision.onnx", "embedding.onnx", "processor_config.json"])
def test_a_folder_without_one_of_its_parts_is_broken(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(ModelBroken):
        read_folder(copied)


def test_a_vision_graph_that_cannot_be_loaded_is_broken(copied: Path) -> None:
    (copied / "vision.onnx").write_bytes(b"garbage")

    with pytest.raises(ModelBroken):
        open_runtime(str(copied))


def test_phi_4_multimodal_is_refused_with_a_word_on_what_runs_it(copied: Path) -> None:
    file = copied / "genai_config.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"phi3v"', '"phi4mm"'), encoding="utf-8")

    with pytest.raises(ModelBroken, match="transformers"):
        read_folder(copied)


def test_the_contracts_question_is_answered(engine: OnnxEngine) -> None:
    assert "thirty" in said(engine, request())
