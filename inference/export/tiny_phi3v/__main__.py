"""`python -m inference.export.tiny_phi3v --to DIR`: train and build the tiny Phi-3-vision.

Takes a few minutes on two cores and downloads nothing. The result, under 2 MB, is a model folder of
the kind Phi-3.5-vision has: the tests show it pictures through the real runtime. It knows four colours.
"""

import argparse
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference.export.tiny_phi3.__main__ import ENDS, build, describe, say, special_ids
from inference.export.tiny_phi3.tokenizer import write_tokenizer
from inference.export.tiny_phi3v.graphs import embedding_graph, vision_graph
from inference.export.tiny_phi3v.lessons import ALL, COLOURS, corpus
from inference.export.tiny_phi3v.train import (
    CONTEXT_TOKENS,
    Teacher,
    Trained,
    messages_of,
    pictures_of,
    train,
)
from inference.types import ChatMessage, Image

if TYPE_CHECKING:
    import onnxruntime_genai as og

COMMAND: Final = "python -m inference.export.tiny_phi3v --to tests/fixtures/tiny-phi3v"
VOCABULARY: Final = 512
TOKENIZER_FILES: Final = ("tokenizer.json", "tokenizer_config.json")
DECODER_FILES: Final = ("model.onnx", "model.onnx.data")
STRIP: Final = (240, 30)  # pixels of a picture that takes few tokens
PLACEHOLDER: Final = re.compile(r"<\|image_(\d+)\|>")


def make(target: Path) -> None:
    """Make the model folder `target`, replacing one that is there."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory(prefix="tiny-phi3v-") as name:
        source, built, made = (Path(name) / one for one in ("hf", "onnx", "made"))
        for folder in (source, made):
            folder.mkdir()
        trained = _train_into(source)
        build(source, built, Path(name) / "cache", "exclude_embeds=true")
        _assemble(trained, source, built, made)
        _check(made)
        describe(made, COMMAND)
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, target)
    say(f"{target}: {sum(file.stat().st_size for file in target.iterdir()):,} bytes")


def _train_into(source: Path) -> Trained:
    """Train with the runtime's own template and tokens, so that prompts are the same later."""
    import onnxruntime_genai as og

    vocabulary = write_tokenizer(source, corpus(), VOCABULARY)
    ids = special_ids(source)
    described = {"type": "phi3", "context_length": CONTEXT_TOKENS, "vocab_size": vocabulary}
    described |= {"eos_token_id": ids["<|end|>"], "pad_token_id": ids["<|endoftext|>"]}
    (source / "genai_config.json").write_text(json.dumps({"model": described}), encoding="utf-8")
    tokenizer = og.Tokenizer(og.Config(str(source)))
    teacher = Teacher(
        lambda messages, pictures: _prompt_ids(tokenizer, messages, pictures),
        lambda text: [int(token) for token in tokenizer.encode(text)],
        ids["<|end|>"],
    )
    trained = train(-(-vocabulary // 32) * 32, ids["<|endoftext|>"], ids["<|end|>"], teacher, say)
    trained.language.generation_config.eos_token_id = [ids[text] for text in ENDS]
    trained.language.save_pretrained(source)
    return trained


def _prompt_ids(
    tokenizer: "og.Tokenizer", messages: Sequence[ChatMessage], pictures: Sequence[int]
) -> list[int]:
    """Write a prompt as the runtime's image processor does: what is between two pictures by itself."""
    listed, seen = [], 0
    for message, count in zip(messages, pictures, strict=True):
        tags = "".join(f"<|image_{number}|>\n" for number in range(seen + 1, seen + count + 1))
        listed.append({"role": message.role, "content": tags + message.content})
        seen += count
    text = str(tokenizer.apply_chat_template(json.dumps(listed), add_generation_prompt=True))
    ids: list[int] = []
    for at, piece in enumerate(PLACEHOLDER.split(text)):
        ids += [-int(piece)] if at % 2 else [int(token) for token in tokenizer.encode(piece)]
    return ids


def _assemble(trained: Trained, source: Path, built: Path, made: Path) -> None:
    """Put decoder, embedding, vision, tokenizer and configuration into one folder."""
    import onnx

    for name in TOKENIZER_FILES:
        shutil.copyfile(source / name, made / name)
    for name in DECODER_FILES:
        shutil.copyfile(built / name, made / name)
    table = trained.language.model.embed_tokens.weight.detach().numpy()
    onnx.save(embedding_graph(table), made / "embedding.onnx")
    sight = trained.sight
    onnx.save(
        vision_graph(sight.weight.detach().numpy().T, sight.bias.detach().numpy()), made / "vision.onnx"
    )
    config = json.loads((built / "genai_config.json").read_text(encoding="utf-8"))
    config["model"] |= {
        "type": "phi3v",
        "context_length": CONTEXT_TOKENS,
        "embedding": {
            "filename": "embedding.onnx",
            "inputs": {"input_ids": "input_ids", "image_features": "image_features"},
            "outputs": {"inputs_embeds": "inputs_embeds"},
        },
        "vision": {
            "filename": "vision.onnx",
            "config_filename": "processor_config.json",
            "inputs": {"pixel_values": "pixel_values", "image_sizes": "image_sizes"},
            "outputs": {"image_features": "image_features"},
        },
    }
    _write(made / "genai_config.json", config)
    _write(made / "processor_config.json", _processor())


def _check(made: Path) -> None:
    """Ask what was learned of no picture and of one, through the runtime; two are its limit."""
    from inference.engines.onnxgenai.runtime import open_runtime
    from inference.types import Delta, GenerationRequest

    runtime = open_runtime(str(made))
    lessons = [lesson for lesson in ALL if sum(pictures_of(lesson)) < 2]
    for lesson in lessons:
        images = [tuple(_drawn(colour) for colour in turn.colours) for turn in lesson.turns]
        messages = messages_of(lesson)
        for at, shown in enumerate(images):
            messages[1 + 2 * at] = replace(messages[1 + 2 * at], images=shown)
        request = GenerationRequest(tuple(messages), max_tokens=200)
        answer = "".join(event.text for event in runtime.stream(request) if isinstance(event, Delta))
        if answer != lesson.turns[-1].answer:
            raise SystemExit(f"not learned: {lesson.turns[-1]} → {answer!r}")
    say(f"{len(lessons)} lessons answered as learned")


def _drawn(colour: str) -> Image:
    import PIL.Image

    written = io.BytesIO()
    PIL.Image.new("RGB", STRIP, COLOURS[colour]).save(written, "PNG")
    return Image(written.getvalue(), *STRIP)


def _processor() -> dict[str, object]:
    """Describe the image processor that Phi-3-vision has."""
    domain = "com.microsoft.extensions"
    steps = [
        ("decode_image", "DecodeImage", {"color_space": "BGR"}),
        ("convert_to_rgb", "ConvertRGB", None),
        ("phi3_image_transform", "Phi3ImageTransform", {"num_crops": 16, "num_img_tokens": 144}),
    ]
    operations = [
        {"name": name, "domain": domain, "type": kind} | ({"attrs": attributes} if attributes else {})
        for name, kind, attributes in steps
    ]
    transforms = [{"operation": operation} for operation in operations]
    return {"processor": {"name": "image_processing", "transforms": transforms}}


def _write(file: Path, described: object) -> None:
    file.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m inference.export.tiny_phi3v", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR")
    make(parser.parse_args().to)
