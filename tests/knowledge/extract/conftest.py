"""The public door, ready to be called with bytes and a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.extract.errors import ExtractError
from knowledge.extract.runner import extract
from knowledge.extract.types import ExtractedText
from tests.knowledge.extract.files import saved

Read = Callable[[bytes, str], ExtractedText]
Refusal = Callable[[bytes, str], ExtractError]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Extract bytes under a name."""
    return lambda data, name: extract(saved(tmp_path, data), name)


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """Extract bytes that must be refused, and return the error."""

    def run(data: bytes, name: str) -> ExtractError:
        with pytest.raises(ExtractError) as caught:
            extract(saved(tmp_path, data), name, timeout_s=20)
        return caught.value

    return run
