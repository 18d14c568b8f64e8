"""TRANSFORMERS_MODEL and OPENVINO_MODEL choose a folder, and say so where they name none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import conf
from inference.errors import ModelBroken, ModelNotFound
from tests.inference.plain_weights import write_phi3

VARIABLES = {"openvino": "OPENVINO_MODEL", "transformers": "TRANSFORMERS_MODEL"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    conf.reset()
    yield
    conf.reset()


@pytest.mark.parametrize("engine", VARIABLES)
def test_without_a_model_the_variable_is_named(engine: str, settings: Settings) -> None:
    settings.OPENVINO_MODEL = settings.TRANSFORMERS_MODEL = ""

    with pytest.raises(ModelNotFound, match=VARIABLES[engine]):
        conf.get_engine(engine)


@pytest.mark.parametrize("engine", VARIABLES)
def test_a_folder_of_something_else_is_broken(engine: str, settings: Settings, tmp_path: Path) -> None:
    setattr(settings, VARIABLES[engine], str(tmp_path))

    with pytest.raises(ModelBroken, match="half copied"):
        conf.get_engine(engine)


def test_a_folder_for_transformers_is_offered_to_assistants(
    settings: Settings, tiny_phi3: Path, tmp_path: Path
) -> None:
    settings.TRANSFORMERS_MODEL = str(write_phi3(tiny_phi3, tmp_path / "Phi-3-tiny"))

    assert conf.get_engine("transformers").model == "Phi-3-tiny"
    assert "transformers" in dict(conf.available_engines())
