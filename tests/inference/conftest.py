"""What the inference tests share: the exported embedder and the folder of the tiny Phi-3."""

from pathlib import Path

import pytest

from inference.embedders.onnx_minilm import OnnxMiniLM
from inference.export.minilm import default_target
from tests.inference import longrope_folder


@pytest.fixture(scope="session")
def embedder() -> OnnxMiniLM:
    loaded = OnnxMiniLM(default_target())
    loaded.load()
    return loaded


@pytest.fixture(scope="session")
def tiny_phi3() -> Path:
    return Path(__file__).resolve().parents[1] / "fixtures" / "tiny-phi3"


@pytest.fixture(scope="session")
def tiny_phi3v() -> Path:
    return Path(__file__).resolve().parents[1] / "fixtures" / "tiny-phi3v"


@pytest.fixture(scope="session")
def longrope_folders(tiny_phi3: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A LongRoPE Phi-3 for transformers, and the same for ONNX Runtime GenAI; ten seconds."""
    return longrope_folder.build(tiny_phi3, tmp_path_factory.mktemp("longrope"))
