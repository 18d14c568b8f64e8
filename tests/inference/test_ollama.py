"""The ollama engine against servers written from Ollama's wire format."""

from collections.abc import Callable, Iterator

import pytest

from inference.engines.ollama import OllamaEngine, find_model
from inference.engines.remote.deadlines import Timeouts
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    ContextTooLong,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ModelNotFound,
    StreamInterrupted,
)
from inference.types import ChatMessage, Delta, FinishReason, Role
from tests.inference.remote import QUICK, asked, closing, hear, hear_fail, seconds_to_stop
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.ollama_like import MODEL, counts, line, lists, ollama_server, refuses, says
from tests.inference.servers.wire import Exchange, WireServer, free_port

HASTY = Timeouts(first_token_s=0.2, cold_s=10)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with ollama_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OllamaEngine(server.url, model="phi3.5", timeouts=QUICK)) as engine:
        yield engine


class TestWhatIsSent:
    def test_a_request_sets_the_context_and_forbids_dropping_any_of_it(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked(max_tokens=7, temperature=0.5, top_p=0.9, top_k=20, seed=3))

        [seen] = server.requests
        assert seen.path == "/api/chat"
        assert seen.body == {
            "model": "phi3.5",
            "messages": [{"role": "user", "content": "Count."}],
            "stream": True,
            "truncate": False,
            "shift": False,
            "keep_alive": 1800,
            "options": {
                "num_ctx": 4096,
                "num_predict": 7,
                "temperature": 0.5,
                "top_p": 0.9,
                "top_k": 20,
                "repeat_penalty": 1.0,
                "seed": 3,
            },
        }

    def test_control_tokens_in_anybodys_text_are_taken_apart(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked(messages=tuple(ChatMessage(role, "a <|end|> b") for role in Role)))

        assert "<|" not in str(server.requests[0].body["messages"])

    def test_loading_loads_the_model_with_the_context_of_the_questions(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        engine.load()
        engine.load()

        [seen] = server.requests
        assert seen.body["messages"] == []
        assert seen.body["options"] == {"num_ctx": 4096}
        assert engine.health().is_ready

    def test_the_servers_own_counts_are_the_usage(self, engine: RemoteEngine) -> None:
        text, finish = hear(engine, asked("one two", max_tokens=4))

        assert text == "one two three four"
        assert finish.reason is FinishReason.LENGTH
        assert (finish.usage.prompt_tokens, finish.usage.completion_tokens) == (5, 4)

    def test_a_wholly_cached_prompt_without_a_count_is_estimated(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(line("one"), line(done=True, done_reason="stop", eval_count=1))

        _, finish = hear(engine)

        assert finish.usage.prompt_tokens == engine.count_tokens(asked().messages)
        assert finish.usage.completion_tokens == 1


class TestFindingTheModel:
    @pytest.mark.parametrize(
        ("names", "taken"),
        [
            (["llama3.2:3b", "phi3:latest", "phi3.5:latest", "phi4:14b"], "phi3.5:latest"),
            (["phi3:medium", "phi4-mini-reasoning:latest", "phi4-mini:latest"], "phi4-mini:latest"),
            (["phi3:14b", "phi4:latest"], "phi4:latest"),
            (["hf.co/microsoft/Phi-3-mini-4k-instruct-gguf:Q4_K_M"], None),
            (["phi4-reasoning:latest"], None),
        ],
    )
    def test_without_a_name_the_best_phi_is_taken(self, names: list[str], taken: str | None) -> None:
        with ollama_server(listing=lists(*names)) as server, closing(OllamaEngine(server.url)) as engine:
            hear(engine)

            assert server.requests[0].body["model"] == engine.model == (taken or names[0])

    @pytest.mark.parametrize("names", [[], ["llama3.2:3b", "dolphin-phi:2.7b", "phi:latest"]])
    def test_no_phi_is_said_with_what_to_do(self, names: list[str]) -> None:
        with ollama_server(listing=lists(*names)) as server, closing(OllamaEngine(server.url)) as engine:
            _, error = hear_fail(engine, ModelNotFound)
            health = engine.health()

        assert "ollama pull phi3.5" in str(error)
        assert not health.is_ready
        assert "ollama pull phi3.5" in health.detail

    def test_a_named_model_that_is_not_there_is_said(self, server: WireServer) -> None:
        with (
            closing(OllamaEngine(server.url, model="phi4")) as engine,
            pytest.raises(ModelNotFound) as failed,
        ):
            engine.load()

        assert "ollama pull phi4" in str(failed.value)

    def test_another_program_on_that_port_has_no_model(self, server: WireServer) -> None:
        assert find_model(server.url, "", 2) == MODEL

        for listing in (refuses(404, "no"), lambda exchange: exchange.whole(200, "<html>")):
            server.listing = listing
            assert find_model(server.url, "", 2) == ""
        assert find_model(f"http://127.0.0.1:{free_port()}", "", 2) == ""


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            (404, 'model "phi3.5" not found, try pulling it first', ModelNotFound),
            (400, "the input length exceeds the context length", ContextTooLong),
            (500, "the input length exceeds maximum context length", ContextTooLong),
            (503, "server busy, please try again.  maximum pending requests exceeded", EngineBusy),
            (
                500,
                "model requires more system memory (5.6 GiB) than is available (3.4 GiB)",
                EngineUnavailable,
            ),
            (500, "llama runner process has terminated: exit status 2", EngineUnavailable),
        ],
    )
    def test_a_refusal_becomes_the_error_a_person_can_act_on(
        self, status: int, error: str, kind: type[EngineError], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = refuses(status, error)

        assert error.split("  ")[0] in str(hear_fail(engine, kind)[1])

    @pytest.mark.parametrize(
        "answer",
        [
            says(line("one"), line(" two")),
            says(line("one"), line(" two"), ended=False),
            says(line("one"), line(" two"), line(" three")[:25]),
            says(
                line("one"), line(" two"), '{"error": "an error was encountered while running the model"}\n'
            ),
            says(line("one"), line(" two"), line(done=True, done_reason="unload")),
        ],
        ids=["end", "hung up", "cut off", "error", "unloaded"],
    )
    def test_a_stream_that_ends_early_is_an_error_with_the_text_kept(
        self, answer: Callable[[Exchange], None], server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = answer

        text, _ = hear_fail(engine, StreamInterrupted)

        assert text == "one two"
        assert len(server.requests) == 1

    def test_an_error_in_a_200_before_the_first_token_is_tried_once_more(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [says('{"error": "llama runner process no longer running: -1"}\n')]

        assert hear(engine)[0] == NUMBERS

    def test_a_busy_server_is_asked_again(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answers = [refuses(503, "server busy"), says('{"error": "server busy"}\n')]

        assert hear(engine)[0] == NUMBERS

    def test_a_silent_server_is_left_as_soon_as_the_reader_leaves(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = lambda exchange: exchange.hold()

        assert seconds_to_stop(engine, lambda: bool(server.requests)) < 1
        assert server.hung_up.wait(1)

    def test_a_model_that_may_have_to_be_loaded_gets_more_time(self, server: WireServer) -> None:
        def slow(exchange: Exchange) -> None:
            exchange.wait(0.5)
            counts(exchange)

        server.answers = [slow, slow]
        with closing(OllamaEngine(server.url, model="phi3.5", timeouts=HASTY)) as engine:
            assert hear(engine)[0] == NUMBERS
            hear_fail(engine, EngineTimeout)

    def test_a_dead_server_is_not_ready_and_not_loaded(self) -> None:
        with closing(OllamaEngine(f"http://127.0.0.1:{free_port()}")) as engine:
            assert not engine.health().is_ready
            with pytest.raises(EngineUnavailable):
                engine.load()

    def test_an_answer_in_any_script_arrives_as_it_was_written(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        text = "שלום \u2028 عالم \x85 🙂 \\n"
        server.answer = says(line(text), line(done=True, done_reason="stop"))

        events = list(engine.stream(asked()))

        assert events[0] == Delta(text)
