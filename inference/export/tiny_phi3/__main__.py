"""`python -m inference.export.tiny_phi3 --to DIR`: train, build, check and describe the tiny Phi-3.

Takes a few minutes on two cores and downloads nothing. The result, under 2 MB, is what the tests
run through the real runtime. It knows its dialogues by heart and nothing else.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inference.export.tiny_phi3.dialogues import ALL
from inference.export.tiny_phi3.tokenizer import write_tokenizer
from inference.export.tiny_phi3.train import CONTEXT_TOKENS, prompt_of, save, train
from inference.types import ChatMessage

COMMAND: Final = "python -m inference.export.tiny_phi3 --to tests/fixtures/tiny-phi3"
ENDS: Final = ("<|end|>", "<|assistant|>", "<|endoftext|>")
TOKENIZER_FILES: Final = ("tokenizer.json", "tokenizer_config.json")


def say(line: str) -> None:
    """Report progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make(target: Path) -> None:
    """Make the model folder `target`, replacing one that is there."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory(prefix="tiny-phi3-") as name:
        scratch = Path(name)
        source, built = scratch / "hf", scratch / "onnx"
        source.mkdir()
        _train_into(source)
        build(source, built, scratch / "cache")
        _tidy(source, built)
        _check(built)
        describe(built, COMMAND)
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(built, target)
    say(f"{target}: {sum(file.stat().st_size for file in target.iterdir()):,} bytes")


def _train_into(source: Path) -> None:
    """Train with the runtime's own template and tokens, so that prompts are the same later."""
    import onnxruntime_genai as og

    vocabulary = write_tokenizer(source)
    ids = special_ids(source)
    described = {"type": "phi3", "context_length": CONTEXT_TOKENS, "vocab_size": vocabulary}
    described |= {"eos_token_id": ids["<|end|>"], "pad_token_id": ids["<|endoftext|>"]}
    (source / "genai_config.json").write_text(json.dumps({"model": described}), encoding="utf-8")
    tokenizer = og.Tokenizer(og.Config(str(source)))

    def prompt_ids(messages: Sequence[ChatMessage]) -> list[int]:
        described = json.dumps([{"role": one.role, "content": one.content} for one in messages])
        text = tokenizer.apply_chat_template(described, add_generation_prompt=True)
        return [int(token) for token in tokenizer.encode(text)]

    trained = train(
        vocabulary=-(-vocabulary // 32) * 32,
        pad=ids["<|endoftext|>"],
        end=ids["<|end|>"],
        prompt_ids=prompt_ids,
        text_ids=lambda text: [int(token) for token in tokenizer.encode(text)],
        report=say,
    )
    save(trained, source, [ids[text] for text in ENDS])


def special_ids(folder: Path) -> dict[str, int]:
    """Give text and id of every added token of a tokenizer."""
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return {entry["content"]: entry["id"] for entry in described["added_tokens"]}


def build(source: Path, built: Path, cache: Path, *options: str) -> None:
    """Build the decoder's int4 graph. options: more of the builder's, "name=value"."""
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-m", "tiny-phi3"]
    command += ["-i", str(source), "-o", str(built), "-p", "int4", "-e", "cpu", "-c", str(cache)]
    command += ["--extra_options", "block_size=32", "accuracy_level=4", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode != 0:
        raise SystemExit(f"the builder failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def _tidy(source: Path, built: Path) -> None:
    """Keep what the runtime reads, with our own tokenizer files as they were trained on."""
    for name in TOKENIZER_FILES:
        shutil.copyfile(source / name, built / name)
    for file in built.iterdir():
        if file.name not in {*TOKENIZER_FILES, "genai_config.json"} and not file.name.startswith(
            "model.onnx"
        ):
            file.unlink()
    path = built / "genai_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["model"]["context_length"] = CONTEXT_TOKENS
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _check(built: Path) -> None:
    """Ask every question through the runtime; the answers must be the ones learned."""
    from inference.engines.onnxgenai.runtime import open_runtime
    from inference.types import Delta, GenerationRequest

    runtime = open_runtime(str(built))
    for dialogue in ALL:
        request = GenerationRequest(tuple(prompt_of(dialogue)), max_tokens=300)
        answer = "".join(event.text for event in runtime.stream(request) if isinstance(event, Delta))
        if answer != dialogue.turns[-1].answer:
            raise SystemExit(f"not learned: {dialogue.turns[-1].question!r} → {answer!r}")
    say(f"{len(ALL)} dialogues answered as learned")


def describe(built: Path, command: str) -> None:
    """Write the manifest: the command that made the folder, and the sum of every file."""
    files = sorted(file for file in built.iterdir() if file.is_file())
    manifest = {
        "made_by": command,
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }
    (built / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m inference.export.tiny_phi3", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR")
    make(parser.parse_args().to)
