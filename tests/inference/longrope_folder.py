"""Builds a small LongRoPE Phi-3 twice: for transformers, and from that for ONNX Runtime GenAI.

Its weights are random and as large as they must be for the factors to matter; nothing is quantised, so
that both say the same to the last digits. The tokenizer is the tiny Phi-3's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CLIFF: Final = 64
LONGEST: Final = 256
VOCABULARY: Final = 1824
TOKENIZER_FILES: Final = ("tokenizer.json", "tokenizer_config.json")


def build(tokenizer: Path, to: Path) -> tuple[Path, Path]:
    """Build both below `to`, and give their folders: of transformers, of ONNX Runtime GenAI."""
    source, built = to / "transformers", to / "onnx"
    _save(source)
    _convert(source, built, tokenizer, ["-p", "fp32", "-e", "cpu"])
    return source, built


def build_for_cuda(tokenizer: Path, to: Path, *, is_paged: bool) -> Path:
    """Build the one for ONNX Runtime GenAI on a GPU, and give its folder. Needs no GPU."""
    source, built = to / "transformers", to / ("paged" if is_paged else "plain")
    if not source.exists():
        _save(source)
    paged = ["--extra_options", "use_paged_attention=true", f"paged_block_size={CLIFF}"] if is_paged else []
    _convert(source, built, tokenizer, ["-p", "fp16", "-e", "cuda", *paged])
    return built


def _convert(source: Path, built: Path, tokenizer: Path, options: list[str]) -> None:
    for name in TOKENIZER_FILES:
        shutil.copyfile(tokenizer / name, source / name)
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-m", "tiny", "-i", str(source)]
    command += ["-o", str(built), "-c", str(built.parent / "cache"), *options]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    for name in TOKENIZER_FILES:
        shutil.copyfile(tokenizer / name, built / name)


def _save(folder: Path) -> None:
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    torch.manual_seed(1)
    config = Phi3Config(
        vocab_size=VOCABULARY,
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=LONGEST,
        original_max_position_embeddings=CLIFF,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=1799,
        pad_token_id=1792,
        initializer_range=0.3,
        dtype="float32",
        rope_parameters={
            "rope_type": "longrope",
            "type": "longrope",
            "rope_theta": 10000.0,
            "factor": LONGEST / CLIFF,
            "original_max_position_embeddings": CLIFF,
            "short_factor": [1 + 0.05 * at for at in range(8)],
            "long_factor": [1 + 1.5 * at for at in range(8)],
        },
    )
    Phi3ForCausalLM(config).save_pretrained(folder)
