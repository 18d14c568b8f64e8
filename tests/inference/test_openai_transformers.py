"""The openai engine against a real server: `transformers serve` with a tiny Phi-3."""

from collections.abc import Iterator

import pytest

from inference.engines.base import Engine
from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import BadRequest, ContextTooLong, GuidanceNotSupported
from inference.types import FinishReason
from tests.inference.contract import GUIDED, EngineContract, request, run
from tests.inference.remote import asked, closing, hear, hear_fail
from tests.inference.servers.transformers_serve import transformers_server

Server = tuple[str, str]  # address, model


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        running = transformers_server(tmp_path_factory.mktemp("transformers"))
        started = running.__enter__()
    except RuntimeError as exc:
        pytest.skip(f"`transformers serve` cannot be started: {exc}")
    yield started
    running.__exit__(None, None, None)


class TestTransformersServe(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, server: Server) -> Iterator[RemoteEngine]:
        with closing(OpenAIEngine(server[0], model=server[1])) as engine:
            yield engine

    def test_a_stream_is_deltas_and_then_one_finish(self, engine: Engine) -> None:
        """Tokenizers cut the question differently here, so the tiny model answers something else."""
        text, finish = run(engine, request())

        assert len(text) > 5
        assert finish.reason is FinishReason.STOP

    def test_usage_counts_prompt_and_reply(self, engine: Engine) -> None:
        """The server's count is exact; ours is made for real tokenizers."""
        _, finish = run(engine, request())

        assert finish.usage.prompt_tokens > 3
        assert finish.usage.completion_tokens > 5

    def test_a_stop_string_ends_the_reply_and_is_not_part_of_it(self, engine: Engine) -> None:
        whole, _ = run(engine, request())
        stop = whole[len(whole) // 2 :][:2]

        text, finish = run(engine, request(stop=("unheard-of", stop)))

        assert text == whole[: whole.index(stop)]
        assert finish.reason is FinishReason.STOP

    def test_a_reply_has_the_shape_it_is_held_to_or_is_refused(self, engine: Engine) -> None:
        """This server takes a schema and does not read it."""
        with pytest.raises(GuidanceNotSupported):
            run(engine, request("Is water wet?", guidance=GUIDED))

        assert run(engine, request())[1].reason is FinishReason.STOP


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(server[0], model=server[1])) as engine:
        yield engine


def test_it_is_healthy_and_loads_though_its_list_of_models_crashes(engine: RemoteEngine) -> None:
    engine.load()

    assert engine.health().is_ready


def test_a_reply_that_was_stopped_leaves_the_server_free(engine: RemoteEngine) -> None:
    heard: list[object] = []

    heard.extend(engine.stream(asked(max_tokens=3500), should_stop=lambda: len(heard) >= 2))

    assert len(heard) == 3
    assert hear(engine, asked(max_tokens=3))[1].usage.completion_tokens == 3


def test_control_tokens_of_the_question_are_plain_text_to_it(engine: RemoteEngine) -> None:
    _, plain = hear(engine, asked("a b", max_tokens=1))
    _, marked = hear(engine, asked("a <|end|> b", max_tokens=1))

    assert marked.usage.prompt_tokens >= plain.usage.prompt_tokens + 4  # as one control token it would be 1


def test_another_model_than_the_servers_is_refused_clearly(server: Server) -> None:
    with closing(OpenAIEngine(server[0], model="another")) as engine:
        _, error = hear_fail(engine, BadRequest)

    assert "another" in str(error)


def test_a_field_it_does_not_know_is_refused_clearly(engine: RemoteEngine) -> None:
    _, error = hear_fail(engine, BadRequest, asked(top_k=5))

    assert "top_k" in str(error)


def test_what_is_too_long_is_not_sent(engine: RemoteEngine) -> None:
    hear_fail(engine, ContextTooLong, asked("words " * 4000))
