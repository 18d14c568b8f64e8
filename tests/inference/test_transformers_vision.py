"""The transformers engine with pictures: a tiny Phi-4-multimodal that answers text as the tiny Phi-3 does."""

import io
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pixels

from inference.engines.base import Engine
from inference.engines.hf.adapter import attach
from inference.engines.hf.folder import read_folder
from inference.engines.hf.pixels import pixel_inputs
from inference.engines.hf.template import HfTemplate
from inference.engines.hf.tiling import tiling, tilings
from inference.engines.transformers import TransformersEngine
from inference.errors import BadRequest, ContextTooLong, ImageRefused, ImagesNotSupported, ModelBroken
from inference.types import ChatMessage, Delta, Finish, FinishReason, GenerationRequest, Image, Role
from tests.inference.contract import EngineContract, split
from tests.inference.pictures import noise, picture
from tests.inference.plain_weights import PICTURE, write_phi4_multimodal

RED, BLUE = picture(colour=(255, 0, 0)), picture(colour=(0, 0, 255))


@pytest.fixture(scope="module")
def folder(tiny_phi3: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phi4_multimodal(tiny_phi3, tmp_path_factory.mktemp("hf") / "tiny-phi4-multimodal")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(folder, max_rows=4, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def engine(shared: TransformersEngine) -> TransformersEngine:
    return shared


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "model"))


def ask(question: str, *images: Image, **options: object) -> GenerationRequest:
    messages = (ChatMessage(Role.USER, question, images),)
    given: dict[str, object] = {"messages": messages, "max_tokens": 25, **options}
    return GenerationRequest(**given)  # type: ignore[arg-type]


def read(engine: Engine, request: GenerationRequest) -> str:
    return split(list(engine.stream(request)))[0]


def count(engine: Engine, question: str, *images: Image) -> int:
    return engine.count_tokens([ChatMessage(Role.USER, question, images)])


class TestPhi4Multimodal(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, shared: TransformersEngine) -> Engine:
        return shared


def test_a_folder_that_can_see_says_so_before_it_is_loaded(folder: Path) -> None:
    engine = TransformersEngine(folder)

    assert engine.sees_images
    assert engine.host.pid is None


def test_the_answer_depends_on_the_picture(engine: TransformersEngine) -> None:
    blind = read(engine, ask("What is this?"))
    red, blue = read(engine, ask("What is this?", RED)), read(engine, ask("What is this?", BLUE))

    assert len({blind, red, blue}) == 3
    assert read(engine, ask("What is this?", RED)) == red


def test_the_order_of_pictures_matters(engine: TransformersEngine) -> None:
    assert read(engine, ask("And these?", RED, BLUE)) != read(engine, ask("And these?", BLUE, RED))


def test_a_picture_stays_with_its_turn(engine: TransformersEngine) -> None:
    def asked(first: tuple[Image, ...], second: tuple[Image, ...]) -> GenerationRequest:
        messages = (
            ChatMessage(Role.USER, "Look.", first),
            ChatMessage(Role.ASSISTANT, "Hello!"),
            ChatMessage(Role.USER, "What was it?", second),
        )
        return GenerationRequest(messages, max_tokens=25)

    early, late = asked((RED,), ()), asked((), (RED,))

    assert read(engine, early) != read(engine, late)
    assert engine.count_tokens(early.messages) == engine.count_tokens(late.messages)
    assert read(engine, asked((RED,), (BLUE,))) != read(engine, asked((BLUE,), (RED,)))


def test_the_tokens_of_a_picture_are_counted_and_used(engine: TransformersEngine) -> None:
    wide = noise(890, 448)

    events = list(engine.stream(ask("What is this?", wide, RED)))

    assert count(engine, "What is this?", wide) - count(engine, "What is this?") == 16 * 33 + 1 + 16 * 17
    assert split(events)[1].usage.prompt_tokens == count(engine, "What is this?", wide, RED)


def test_text_is_answered_as_well_as_by_a_text_model_also_beside_pictures(
    engine: TransformersEngine,
) -> None:
    seen = read(engine, ask("What is this?", RED))

    with ThreadPoolExecutor(6) as pool:
        replies = list(
            pool.map(
                lambda number: read(engine, ask("Count to thirty.", *([RED] if number % 2 else []))), range(6)
            )
        )

    assert all(reply.startswith("one, two, three") for reply in replies[::2])
    assert len(set(replies[1::2])) == 1
    assert read(engine, ask("What is this?", RED)) == seen


def test_a_placeholder_typed_by_a_person_is_only_text(engine: TransformersEngine) -> None:
    alone = count(engine, "x", RED)

    for typed in ("<|image_1|>", PICTURE, "＜|endoftext10|＞"):
        assert alone < count(engine, f"x {typed}", RED) < alone + 40
        assert count(engine, f"x {typed}") < 60
        assert read(engine, ask(f"x {typed}", RED, max_tokens=3))


def test_a_sampled_reply_is_repeated_with_its_seed(engine: TransformersEngine) -> None:
    sampled = ask("What is this?", RED, temperature=2.0, top_p=0.9, seed=5)

    assert read(engine, sampled) == read(engine, sampled) != read(engine, replace(sampled, seed=6))


def test_a_stop_string_ends_a_reply_about_a_picture(engine: TransformersEngine) -> None:
    whole = read(engine, ask("What is this?", RED))
    stop = whole[len(whole) // 2 : len(whole) // 2 + 3]

    text, finish = split(list(engine.stream(ask("What is this?", RED, stop=(stop,)))))

    assert text == whole[: whole.index(stop)]
    assert finish.reason is FinishReason.STOP


def test_a_begun_reply_about_a_picture_is_continued(engine: TransformersEngine) -> None:
    plain = ask("What is this?", RED, max_tokens=12)
    begun = ask("What is this?", RED, max_tokens=12, prefix="one, two, three,")

    text, finish = split(list(engine.stream(begun)))

    assert text
    assert text != read(engine, plain)
    assert finish.usage.prompt_tokens == engine.count_tokens(plain.messages)


def test_a_cancelled_picture_frees_its_turn(engine: TransformersEngine) -> None:
    asked: list[bool] = []

    def stop_soon() -> bool:
        asked.append(True)
        return len(asked) > 1

    cancelled = list(engine.stream(ask("?", noise(1300, 1300), max_tokens=1000), should_stop=stop_soon))
    left = engine.stream(ask("What is this?", RED, max_tokens=1000, temperature=5.0, seed=1))
    assert isinstance(next(left), Delta)
    left.close()  # type: ignore[attr-defined]

    assert isinstance(cancelled[-1], Finish)
    assert cancelled[-1].reason is FinishReason.CANCELLED
    assert read(engine, ask("What is this?", BLUE))


def test_pictures_and_answer_must_fit_into_the_context(engine: TransformersEngine) -> None:
    with pytest.raises(ContextTooLong):
        read(engine, ask("?", *[noise(448, 448)] * 8))
    with pytest.raises(ContextTooLong):
        read(engine, ask("?", RED, max_tokens=engine.context_tokens - 100))

    assert read(engine, ask("Count to thirty.")).startswith("one")


def drawn(width: int, height: int, mode: str) -> Image:
    stored = io.BytesIO()
    Pixels.new(mode, (width, height)).save(stored, "PNG")
    return Image(stored.getvalue(), width, height)


@pytest.mark.parametrize(
    "broken",
    [
        replace(RED, data=b"no picture"),
        replace(RED, data=RED.data[: len(RED.data) // 2]),
        replace(RED, data=b""),
        replace(RED, width=RED.width + 1),
        replace(RED, width=0),
        drawn(4000, 3, "RGB"),
    ],
    ids=["garbage", "half", "empty", "another size", "no width", "a line"],
)
def test_a_picture_that_cannot_be_read_is_refused_and_the_next_served(
    broken: Image, engine: TransformersEngine
) -> None:
    with pytest.raises(ImageRefused):
        read(engine, ask("What is this?", broken))

    assert read(engine, ask("Count to thirty.")).startswith("one")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_pictures_of_every_kind_are_read(mode: str, engine: TransformersEngine) -> None:
    assert read(engine, ask("What is this?", drawn(50, 30, mode), max_tokens=3))


def test_a_picture_in_the_models_own_turn_is_refused(engine: TransformersEngine) -> None:
    messages = (ChatMessage(Role.ASSISTANT, "Hello!", (RED,)), ChatMessage(Role.USER, "What?"))

    with pytest.raises(BadRequest):
        read(engine, GenerationRequest(messages))


def test_without_its_vision_adapter_it_reads_text_only(copied: Path) -> None:
    shutil.rmtree(copied / "vision-lora")
    engine = TransformersEngine(copied)

    assert not engine.sees_images
    assert "vision-lora" in read_folder(copied).note
    with pytest.raises(ImagesNotSupported):
        engine.count_tokens([ChatMessage(Role.USER, "What is this?", (RED,))])


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_half_copied_adapter_is_broken(name: str, copied: Path) -> None:
    whole = (copied / "vision-lora" / name).read_bytes()
    (copied / "vision-lora" / name).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ModelBroken, match=name):
        TransformersEngine(copied)


def test_the_adapter_adds_its_product_to_the_weights(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import Phi4MultimodalForCausalLM

    plain, merged, adapted = (Phi4MultimodalForCausalLM.from_pretrained(folder) for _ in range(3))
    halves = load_file(folder / "vision-lora" / "adapter_model.safetensors")
    for name, down in halves.items():
        if name.endswith(".lora_A.weight"):
            up = halves[name.replace("lora_A", "lora_B")]
            layer = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            merged.get_parameter(f"{layer}.weight").data.add_(2 * up @ down)
    ids = torch.tensor([[7, 70, 700]])

    assert attach(adapted, folder / "vision-lora") == 3 * 4

    with torch.no_grad():
        without, expected, got = (model(ids).logits for model in (plain, merged, adapted))
    assert torch.allclose(got, expected, atol=1e-4)
    assert not torch.allclose(got, without, atol=1e-2)


def test_an_adapter_for_another_model_is_broken(copied: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import Phi4MultimodalForCausalLM

    file = copied / "vision-lora" / "adapter_model.safetensors"
    save_file({name: half[:, :1].contiguous() for name, half in load_file(file).items()}, file)

    with pytest.raises(ModelBroken, match="another model"):
        attach(Phi4MultimodalForCausalLM.from_pretrained(copied), copied / "vision-lora")


def test_an_adapter_of_another_kind_is_named(copied: Path) -> None:
    file = copied / "vision-lora" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "use_dora": True}), encoding="utf-8")

    with pytest.raises(ModelBroken, match="use_dora"):
        TransformersEngine(copied)


def test_a_tokenizer_without_a_token_for_pictures_is_broken(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    config["vision_config"]["image_token_id"] = 5
    (copied / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(ModelBroken, match="token for pictures"):
        HfTemplate(read_folder(copied))


@pytest.mark.parametrize(
    ("width", "height", "grid"),
    [(10, 10, (1, 1)), (448, 449, (1, 2)), (1000, 300, (3, 1)), (4000, 4000, (2, 2)), (9000, 1000, (8, 1))],
)
def test_a_picture_gets_crops_of_its_shape(width: int, height: int, grid: tuple[int, int]) -> None:
    plan = tiling(width, height, 448, 14, max_crops=8)

    assert (plan.columns, plan.rows) == grid
    assert plan.width <= plan.columns * 448
    assert plan.height <= plan.rows * 448


def test_the_pictures_of_a_prompt_share_its_crops() -> None:
    large = noise(1300, 1300)

    counts = [sum(plan.tokens for plan in tilings([large] * number, 448, 14)) for number in range(1, 7)]

    assert max(counts) < 3500


def test_the_model_reads_what_the_makers_processor_gives() -> None:
    pytest.importorskip("torchvision", reason="the makers' processor needs torchvision")
    import torch
    from transformers import Phi4MultimodalImageProcessor

    for image in (RED, noise(900, 500), noise(300, 1000), noise(1700, 1500)):
        theirs = Phi4MultimodalImageProcessor(dynamic_hd=8)(
            Pixels.open(io.BytesIO(image.data)), return_tensors="pt"
        )
        (plan,) = tilings([image], 448, 14)
        ours = pixel_inputs([image], [plan])

        assert plan.tokens == int(theirs["num_img_tokens"][0])
        assert torch.equal(ours["image_attention_mask"], theirs["image_attention_mask"])
        assert torch.equal(ours["image_sizes"], theirs["image_sizes"])
        gap = (ours["image_pixel_values"] - theirs["image_pixel_values"]).abs()
        assert gap[:, 1:].max() <= 2.5 / 127.5
        assert gap.mean() < 0.01


def test_the_folder_says_where_pictures_stand(folder: Path) -> None:
    vision = read_folder(folder).vision

    assert vision is not None
    assert not read_folder(folder).note
    assert (vision.crop, vision.patch) == (448, 14)
