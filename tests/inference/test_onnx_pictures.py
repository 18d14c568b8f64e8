"""Pictures: as the runtime's own processor and generator take them, and how they are remembered."""

import shutil
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.engines.onnx import OnnxEngine
from inference.engines.onnxgenai.album import SEEN, Album, Features
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.eyes import Eyes
from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.pictures import as_png, pixels, tiling_of
from inference.engines.onnxgenai.seeing import SeeingDecoder, SeeingRuntime
from inference.errors import EngineError, ImageRefused
from inference.export.tiny_phi3v.lessons import ONE, TWO
from inference.types import Delta, Image
from tests.inference.contract import run
from tests.inference.pictures import noise
from tests.inference.shown import PANEL, STRIP, ask, said, strip


@pytest.fixture(scope="module")
def engine(tiny_phi3v: Path) -> Iterator[OnnxEngine]:
    engine = OnnxEngine(tiny_phi3v, max_rows=3, hang_after_s=10.0)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    "size", [(400, 400), (640, 480), (48, 64), (900, 100), (10, 90), (1, 1), (1345, 1343)]
)
def test_pictures_are_cut_as_the_runtimes_own_processor_does(tiny_phi3v: Path, size: tuple[int, int]) -> None:
    import onnxruntime_genai as og

    og.disable_telemetry_events()
    image = noise(*size)
    processor = og.Model(str(tiny_phi3v)).create_multimodal_processor()

    theirs = processor("<|image_1|>", images=og.Images.open_bytes(as_png(image)))
    values, sizes = pixels(image)

    assert theirs["num_image_tokens"].as_numpy().tolist() == [[tiling_of(image).tokens]]
    assert theirs["image_sizes"].as_numpy().tolist() == sizes.tolist()
    assert np.allclose(theirs["pixel_values"].as_numpy(), values, atol=1e-5)


def test_the_long_row_of_a_model_that_sees_loads_nothing_a_second_time(tiny_phi3v: Path) -> None:
    plan = Plan(1, 1000, cliff=1000, long_tokens=3000)
    runtime = SeeingRuntime(read_folder(tiny_phi3v), plan=plan, threads=1)
    assert runtime._long is not None
    near, far = runtime._decoder, runtime._long._decoder

    *deltas, _ = runtime.stream(ask(ONE, strip("red"), max_tokens=400))
    runtime.close()

    assert "".join(event.text for event in deltas if isinstance(event, Delta)) == "The picture is red."
    assert isinstance(near, SeeingDecoder)
    assert isinstance(far, SeeingDecoder)
    assert (near._session, near._embedding) == (far._session, far._embedding)


@pytest.fixture(scope="module")
def their_own(tiny_phi3v: Path) -> Iterator[OnnxEngine]:
    """The runtime's own processor and generator."""
    engine = OnnxEngine(tiny_phi3v, runtime="generator", hang_after_s=10.0)
    yield engine
    engine.close()


@pytest.mark.parametrize("size", [STRIP, PANEL, (40, 40)])
@pytest.mark.parametrize("colour", ["red", "blue"])
def test_it_writes_what_the_runtimes_own_generator_does(
    engine: OnnxEngine, their_own: OnnxEngine, colour: str, size: tuple[int, int]
) -> None:
    for asked in (ask(ONE, strip(colour, size)), ask(ONE, strip(colour, size), prefix="The")):
        mine, my_end = run(engine, asked)
        theirs, their_end = run(their_own, asked)

        assert mine == theirs
        assert my_end.usage.prompt_tokens == their_end.usage.prompt_tokens


def test_the_runtimes_own_generator_sees_two_pictures_in_their_order(their_own: OnnxEngine) -> None:
    for first, second in permutations(("blue", "yellow")):
        answer = said(their_own, ask(TWO, strip(first, PANEL), strip(second, PANEL)))

        assert answer == f"The first picture is {first}, the second is {second}."


def test_the_runtimes_own_generator_refuses_a_damaged_picture_and_goes_on(their_own: OnnxEngine) -> None:
    their_own.load()
    child = their_own.host.pid

    with pytest.raises(ImageRefused):
        run(their_own, ask(ONE, Image(noise(60, 40, media_type="image/jpeg").data[:700], 60, 40)))

    assert said(their_own, ask(ONE, strip("red"))) == "The picture is red."
    assert their_own.host.pid == child
    assert their_own.slots == 1


def test_an_album_remembers_the_last_pictures_and_those_somebody_holds() -> None:
    album = Album()
    numbers = [album.number(noise(30 + at, 20)) for at in range(SEEN + 2)]

    held = [album.keep(number, sight_of(album, number)) for number in numbers[:1]]
    for number in numbers[1:]:
        album.keep(number, sight_of(album, number))

    assert [number for number in numbers[1:] if album.seen(number) is None] == numbers[1:2]
    features = album.features([-numbers[0] - 1, -numbers[-1]])
    assert features is not None
    assert features[:, 0].tolist() == [numbers[0] + 1, numbers[-1]]
    assert held


def sight_of(album: Album, number: int) -> Features:
    """Make features that tell which token they belong to."""
    return -np.array(album.token_ids(number), np.float32)[:, None]


def test_tokens_of_a_forgotten_picture_are_an_error_and_not_another_picture() -> None:
    album = Album()
    number = album.number(noise(30, 20))

    with pytest.raises(EngineError):
        album.features([-number])


def test_the_same_picture_has_the_same_tokens_and_another_one_others() -> None:
    album = Album()
    one, again, other = (album.number(image) for image in (noise(30, 20), noise(30, 20), noise(20, 30)))

    assert one == again
    assert not set(album.token_ids(one)) & set(album.token_ids(other))


def test_who_waits_for_a_picture_shows_signs_of_life_and_can_stop(tiny_phi3v: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_phi3v, tmp_path / "model"))
    make_slow(folder / "vision.onnx")
    sight = read_folder(folder).sight
    assert sight is not None
    eyes = Eyes(sight, Album(), threads=1)
    steps: list[int] = []

    seen = eyes.see(strip("red"), 16, lambda: len(steps) >= 3, lambda: steps.append(1))

    assert seen is None
    assert len(steps) == 3
    eyes.close()  # waits for the graph: it was told to stop as well


def make_slow(file: Path) -> None:
    """Let a vision graph multiply matrices for hours before it answers."""
    model = onnx.load(file)
    graph = model.graph
    graph.node[-1].output[0] = "in_time"
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
        ],
        "again",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [256, 256]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("product", TensorProto.FLOAT, [256, 256]),
        ],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(10**9, np.int64), "turns"))
    graph.initializer.append(numpy_helper.from_array(np.zeros((256, 256), np.float32), "zeros"))
    graph.node.append(helper.make_node("Loop", ["turns", "", "zeros"], ["still_zeros"], body=body))
    graph.node.append(helper.make_node("ReduceMax", ["still_zeros"], ["nothing"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["in_time", "nothing"], ["image_features"]))
    onnx.save(model, file)
