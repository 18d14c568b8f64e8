"""What a worker tells of loading an engine, so that others can show it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.loading import load_news, load_unless_stopped
from inference.engines.base import Engine
from inference.engines.onnx import OnnxEngine
from inference.errors import ModelBroken
from inference.types import never_stop
from tests.environment import ROOT

TINY = ROOT / "tests" / "fixtures" / "tiny-phi3"


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Engine]:
    """A model whose graph is cut: nobody notices before it is loaded."""
    folder = Path(shutil.copytree(TINY, tmp_path / "phi-cut"))
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:5000])
    engine = OnnxEngine(folder)
    yield engine
    engine.close()


@pytest.fixture
def whole() -> Iterator[Engine]:
    engine = OnnxEngine(TINY)
    yield engine
    engine.close()


def test_a_load_that_failed_is_told_with_its_reason_until_one_succeeds(broken: Engine, whole: Engine) -> None:
    with pytest.raises(ModelBroken):
        load_unless_stopped(broken, never_stop)
    failed = load_news("onnx")
    load_unless_stopped(whole, never_stop)

    assert failed is not None
    assert (failed.model, failed.code, failed.is_loading) == ("phi-cut", "model_broken", False)
    assert "model.onnx" in failed.detail
    assert load_news("onnx") is None


def test_a_reader_who_gives_up_leaves_it_loading(whole: Engine) -> None:
    load_unless_stopped(whole, lambda: True)

    assert not whole.health().is_ready
    load_unless_stopped(whole, never_stop)
    assert whole.health().is_ready
