"""Every engine through the one contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.engines.base import Engine
from inference.engines.extractive import ExtractiveEngine
from inference.engines.onnx import OnnxEngine
from inference.engines.paced import PacedEngine
from tests.inference.contract import EngineContract


class TestExtractive(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self) -> Engine:
        return ExtractiveEngine()


class TestPaced(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self) -> Engine:
        return PacedEngine(tokens_per_s=2000, tokens=40)


class TestOnnx(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, tiny_phi3: Path) -> Iterator[Engine]:
        engine = OnnxEngine(tiny_phi3)
        yield engine
        engine.close()
