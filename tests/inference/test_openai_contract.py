"""The openai engine through the one contract of all engines."""

from collections.abc import Iterator

import pytest

from inference.engines.base import Engine
from inference.engines.openai import OpenAIEngine
from tests.inference.contract import EngineContract, request, run
from tests.inference.servers.openai_like import MODEL, openai_server

VISION = "microsoft/Phi-3.5-vision-instruct"


class TestOpenAI(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        with openai_server() as server:
            engine = OpenAIEngine(f"{server.url}/v1", model=VISION)
            yield engine
            engine.close()

    def test_usage_counts_prompt_and_reply(self, engine: Engine) -> None:
        """The server's count is exact; ours may only lie above it."""
        _, finish = run(engine, request())

        assert engine.count_tokens(request().messages) >= finish.usage.prompt_tokens > 3
        assert finish.usage.completion_tokens == 30


class TestOpenAIWithATextModel(TestOpenAI):
    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        with openai_server() as server:
            engine = OpenAIEngine(f"{server.url}/v1", model=MODEL)
            yield engine
            engine.close()


class TestOpenAIWithImagesInTheText(TestOpenAI):
    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        with openai_server() as server:
            engine = OpenAIEngine(f"{server.url}/v1", model=VISION, images="inline")
            yield engine
            engine.close()
