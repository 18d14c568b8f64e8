"""The ollama engine through the one contract of all engines."""

from collections.abc import Iterator

import pytest

from inference.engines.base import Engine
from inference.engines.ollama import OllamaEngine
from tests.inference.contract import EngineContract, request, run
from tests.inference.servers.ollama_like import MODEL, READS, lists, ollama_server


class TestOllama(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        with ollama_server() as server:
            engine = OllamaEngine(server.url)
            yield engine
            engine.close()

    def test_usage_counts_prompt_and_reply(self, engine: Engine) -> None:
        """The server's count is exact; ours may only lie above it."""
        _, finish = run(engine, request())

        assert engine.count_tokens(request().messages) >= finish.usage.prompt_tokens > 3
        assert finish.usage.completion_tokens == 30


class TestOllamaWithATextModel(TestOllama):
    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        with ollama_server(listing=lists(MODEL, **READS)) as server:
            engine = OllamaEngine(server.url)
            engine.load()
            yield engine
            engine.close()
