"""From settings to engine and embedder."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import conf
from inference.embedders.onnx_minilm import OnnxMiniLM
from inference.embedders.sentence_transformers import SentenceTransformersEmbedder
from inference.errors import EngineUnavailable, ModelBroken, ModelNotFound
from tests.inference.servers.ollama_like import lists as ollama_lists
from tests.inference.servers.ollama_like import ollama_server
from tests.inference.servers.wire import free_port
from tests.inference.servers.wire import until as wait_until


@pytest.fixture(autouse=True)
def fresh(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.ENGINE = "auto"
    settings.MODEL_PATH = ""
    settings.DATA_DIR = tmp_path
    settings.OLLAMA_URL = "off"
    conf.reset()
    yield
    conf.reset()


def install(model: Path, folder: Path) -> None:
    shutil.copytree(model, folder)


def test_auto_quotes_where_no_model_is_installed() -> None:
    assert conf.get_engine().name == "extractive"
    assert [alias for alias, _ in conf.available_engines()] == ["extractive"]


def test_auto_takes_the_model_of_model_path(settings: Settings, tiny_phi3: Path) -> None:
    settings.MODEL_PATH = str(tiny_phi3)

    assert conf.get_engine().name == "onnx"
    assert conf.get_engine("extractive").name == "extractive"
    assert [alias for alias, _ in conf.available_engines()] == ["onnx", "extractive"]


def test_auto_finds_a_model_that_is_installed_later(settings: Settings, tiny_phi3: Path) -> None:
    assert conf.get_engine().name == "extractive"

    install(tiny_phi3, Path(settings.DATA_DIR) / "models" / "tiny-phi3" / "cpu")

    assert conf.get_engine().name == "onnx"
    assert conf.get_engine().model == "tiny-phi3"


def test_auto_passes_over_a_half_copied_model(settings: Settings, tiny_phi3: Path) -> None:
    models = Path(settings.DATA_DIR) / "models"
    install(tiny_phi3, models / "a")
    (models / "a" / "model.onnx").unlink()

    assert conf.get_engine().name == "extractive"

    install(tiny_phi3, models / "b")
    assert conf.get_engine().name == "onnx"


def test_a_chosen_engine_says_what_it_lacks(settings: Settings, tmp_path: Path) -> None:
    settings.ENGINE = "onnx"
    with pytest.raises(ModelNotFound):
        conf.get_engine()

    settings.MODEL_PATH = str(tmp_path)
    with pytest.raises(ModelBroken):
        conf.get_engine()


def test_an_unknown_engine_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable):
        conf.get_engine("abacus")


def test_the_load_test_engine_takes_its_pace_from_settings(settings: Settings) -> None:
    settings.ENGINE, settings.PACED_TOKENS, settings.PACED_TOKENS_PER_S = "paced", 7, 3.5

    assert conf.get_engine().model == "paced-7-at-3.5"
    assert "paced" in dict(conf.available_engines())


def test_sixteen_threads_share_one_engine_and_one_embedder() -> None:
    with ThreadPoolExecutor(16) as pool:
        engines = {id(engine) for engine in pool.map(lambda _: conf.get_engine(), range(64))}
        embedders = {id(embedder) for embedder in pool.map(lambda _: conf.get_embedder(), range(64))}

    assert len(engines) == len(embedders) == 1


def test_the_default_embedder_is_the_exported_one(settings: Settings) -> None:
    settings.EMBEDDING_MODEL = ""
    assert isinstance(conf.get_embedder(), OnnxMiniLM)

    settings.EMBEDDING_MODEL = "intfloat/multilingual-e5-small"
    embedder = conf.get_embedder()
    assert isinstance(embedder, SentenceTransformersEmbedder)
    assert embedder.name == "sentence-transformers:intfloat/multilingual-e5-small"


def test_every_engine_named_can_be_asked_for() -> None:
    assert conf.engine_names() == [
        "auto",
        "onnx",
        "ollama",
        "openai",
        "transformers",
        "openvino",
        "extractive",
        "paced",
    ]


def test_auto_takes_an_ollama_server_that_has_a_phi_model(settings: Settings) -> None:
    with ollama_server() as server:
        settings.OLLAMA_URL = server.url

        assert wait_until(lambda: conf.get_engine().name == "ollama")
        assert [alias for alias, _ in conf.available_engines()] == ["ollama", "extractive"]


def test_auto_passes_over_an_ollama_server_without_one(settings: Settings) -> None:
    with ollama_server(listing=ollama_lists("llama3.2:3b")) as server:
        settings.OLLAMA_URL = server.url
        conf.get_engine()

        assert wait_until(lambda: len(server.listings) == 1)
        assert conf.get_engine().name == "extractive"
        assert [alias for alias, _ in conf.available_engines()] == ["extractive"]


def test_a_silent_ollama_server_blocks_nobody(settings: Settings) -> None:
    with ollama_server(listing=lambda exchange: exchange.hold()) as server:
        settings.OLLAMA_URL = server.url

        assert conf.get_engine().name == "extractive"
        assert wait_until(server.hung_up.is_set)
        for _ in range(50):
            assert conf.get_engine().name == "extractive"

        assert len(server.listings) == 1


def test_an_ollama_server_that_is_down_can_still_be_chosen(settings: Settings) -> None:
    settings.ENGINE, settings.OLLAMA_URL = "ollama", f"http://127.0.0.1:{free_port()}"

    engine = conf.get_engine()

    assert engine.name == "ollama"
    assert not engine.health().is_ready
    assert "ollama" in dict(conf.available_engines())


def test_auto_takes_a_configured_server_before_quotes(settings: Settings, tiny_phi3: Path) -> None:
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "http://127.0.0.1:9/v1", "phi-4-mini"
    settings.OPENAI_SLOTS, settings.OPENAI_CONTEXT_TOKENS = 7, 8192

    engine = conf.get_engine()

    assert (engine.name, engine.model) == ("openai", "phi-4-mini")
    assert (engine.slots, engine.context_tokens) == (7, 8192)
    assert engine.sees_images
    assert [alias for alias, _ in conf.available_engines()] == ["openai", "extractive"]

    settings.MODEL_PATH = str(tiny_phi3)
    assert conf.get_engine().name == "onnx"


def test_a_server_is_sent_images_in_the_form_it_is_set_to(settings: Settings) -> None:
    settings.ENGINE, settings.OPENAI_BASE_URL = "openai", "http://127.0.0.1:9/v1"
    settings.OPENAI_IMAGES = "off"

    assert not conf.get_engine().sees_images


def test_an_engine_some_assistant_uses_is_not_thereby_the_sites(settings: Settings) -> None:
    settings.OLLAMA_URL = f"http://127.0.0.1:{free_port()}"

    assert conf.get_engine("ollama").name == "ollama"
    assert conf.get_engine().name == "extractive"


def test_a_server_that_is_not_configured_is_said() -> None:
    for name in ("openai", "ollama"):
        with pytest.raises(ModelNotFound):
            conf.get_engine(name)
