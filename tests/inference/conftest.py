"""What the inference tests share: the exported embedder and the folder of the tiny Phi-3."""

from pathlib import Path

import pytest

from inference.embedders.onnx_minilm import OnnxMiniLM
from inference.export.minilm import default_target


@pytest.fixture(scope="session")
def embedder() -> OnnxMiniLM:
    loaded = OnnxMiniLM(default_target())
    loaded.load()
    return loaded


@pytest.fixture(scope="session")
def tiny_phi3() -> Path:
    return Path(__file__).resolve().parents[1] / "fixtures" / "tiny-phi3"
