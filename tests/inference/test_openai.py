"""The openai engine: what it sends, which model it takes, what servers do differently."""

from collections.abc import Callable, Iterator

import pytest

from inference.engines.openai import OpenAIEngine
from inference.engines.remote.engine import RemoteEngine
from inference.errors import (
    EngineUnavailable,
    ModelNotFound,
)
from inference.types import ChatMessage, FinishReason, Role
from tests.inference.remote import QUICK, asked, closing, hear
from tests.inference.servers.counting import NUMBERS
from tests.inference.servers.openai_like import (
    DONE,
    MODEL,
    chunk,
    counts,
    event,
    lists,
    openai_server,
    refuses,
    says,
    usage,
)
from tests.inference.servers.wire import Exchange, WireServer, until

KEY = "sk-not-to-be-seen-4711"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def engine(server: WireServer) -> Iterator[RemoteEngine]:
    with closing(OpenAIEngine(f"{server.url}/v1", key=KEY, model=MODEL, timeouts=QUICK)) as engine:
        yield engine


class TestWhatIsSent:
    def test_a_request_is_a_chat_completion_with_the_key(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked(max_tokens=7, temperature=0.5, top_p=0.9, seed=3))

        [seen] = server.requests
        assert seen.path == "/v1/chat/completions"
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert seen.body == {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Count."}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 3,
        }

    def test_a_server_without_a_key_gets_none(self, server: WireServer) -> None:
        with closing(OpenAIEngine(f"{server.url}/v1/", model=MODEL)) as engine:
            hear(engine)

        assert "authorization" not in server.requests[0].headers

    def test_options_of_some_servers_are_sent_only_when_asked_for(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked(top_k=40, repetition_penalty=1.1))

        assert server.requests[0].body["top_k"] == 40
        assert server.requests[0].body["repetition_penalty"] == 1.1

    @pytest.mark.parametrize("mark", ["<|end|>", "<|system|>", "＜｜end｜＞", "<|im_\u200bstart|>", "</s>"])
    def test_control_tokens_in_anybodys_text_are_taken_apart(
        self, mark: str, server: WireServer, engine: RemoteEngine
    ) -> None:
        messages = tuple(ChatMessage(role, f"before {mark} after") for role in Role)

        hear(engine, asked(messages=messages))

        assert "<|" not in str(server.requests[0].body["messages"])
        assert "</s>" not in str(server.requests[0].body["messages"])
        assert str(server.requests[0].body["messages"]).count("after") == 3

    def test_half_a_surrogate_pair_is_sent_as_a_question_mark(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        hear(engine, asked("half \ud83d done"))

        assert server.requests[0].body["messages"] == [{"role": "user", "content": "half ? done"}]

    def test_a_model_without_a_system_role_gets_it_in_the_question(self, server: WireServer) -> None:
        messages = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Count."))
        with closing(OpenAIEngine(f"{server.url}/v1", model="phi-3-medium-4k-instruct")) as engine:
            hear(engine, asked(messages=messages))

        assert server.requests[0].body["messages"] == [{"role": "user", "content": "Be brief.\n\nCount."}]


class TestFindingTheModel:
    def test_without_a_name_the_servers_phi_is_taken(self) -> None:
        listing = lists(
            "meta/llama-3.1-8b", "microsoft/phi-3-medium-4k-instruct", "microsoft/phi-4-mini-instruct"
        )
        with (
            openai_server(listing=listing) as server,
            closing(OpenAIEngine(f"{server.url}/v1")) as engine,
        ):
            assert engine.model == "openai"
            hear(engine)

            assert engine.model == "microsoft/phi-4-mini-instruct"
            assert len(server.listings) == 1

    def test_the_only_model_is_taken_whatever_it_is_called(self) -> None:
        listing = lists("mine.gguf")
        with openai_server(listing=listing) as server, closing(OpenAIEngine(f"{server.url}/v1")) as engine:
            engine.load()

            assert engine.model == "mine.gguf"

    @pytest.mark.parametrize(
        "listing", [lists("a", "b"), lists(), refuses(500, "boom"), refuses(200, "<html>")]
    )
    def test_no_phi_among_several_is_said(self, listing: Callable[[Exchange], None]) -> None:
        with (
            openai_server(listing=listing) as server,
            closing(OpenAIEngine(f"{server.url}/v1")) as engine,
            pytest.raises((ModelNotFound, EngineUnavailable)),
        ):
            engine.load()

    def test_a_named_model_needs_no_list(self) -> None:
        with (
            openai_server(listing=refuses(500, "crashed")) as server,
            closing(OpenAIEngine(f"{server.url}/v1", model=MODEL)) as engine,
        ):
            engine.load()

            assert hear(engine)[0] == NUMBERS

    def test_health_asks_health_first_and_the_list_where_there_is_none(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        assert engine.health().is_ready
        assert [seen.path for seen in server.listings] == ["/health", "/v1/models"]

    def test_health_of_a_server_that_loads_its_model_is_not_ready(self) -> None:
        loading = refuses(
            503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
        )
        with openai_server(listing=loading) as server, closing(OpenAIEngine(f"{server.url}/v1")) as engine:
            health = engine.health()

        assert not health.is_ready
        assert "Loading model" in health.detail


class TestDialects:
    """What servers do differently from each other."""

    @pytest.mark.parametrize("field", ["stream_options", "max_tokens"])
    def test_a_field_the_server_refuses_is_left_out_from_then_on(
        self, field: str, server: WireServer, engine: RemoteEngine
    ) -> None:
        hint = "use max_completion_tokens instead" if field == "max_tokens" else ""
        detail = f"Unexpected fields in the request: {{'{field}'}} {hint}"

        def strict(exchange: Exchange) -> None:
            if field in exchange.body:
                exchange.whole(422, {"detail": detail})
            else:
                counts(exchange)

        server.answer = strict
        first, second = hear(engine), hear(engine)

        assert first == second
        assert first[0] == NUMBERS
        assert len(server.requests) == 3

    def test_a_template_that_refuses_the_system_role_gets_it_in_the_question(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answers = [
            refuses(400, {"object": "error", "message": "System role not supported", "code": 400})
        ]
        messages = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Count."))

        hear(engine, asked(messages=messages))

        assert server.requests[1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nCount."}]

    def test_usage_is_estimated_where_the_server_gives_none(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(chunk("one"), chunk(" two"), chunk(finish="length"), DONE)

        text, finish = hear(engine, asked(max_tokens=2))

        assert text == "one two"
        assert finish.reason is FinishReason.LENGTH
        assert finish.usage.completion_tokens == 2
        assert finish.usage.prompt_tokens == engine.count_tokens(asked().messages)

    def test_a_stream_without_done_but_with_a_finish_reason_is_whole(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(
            chunk("one"), chunk(finish="stop", usage={"prompt_tokens": 4, "completion_tokens": 1})
        )

        text, finish = hear(engine)

        assert (text, finish.usage.prompt_tokens, finish.usage.completion_tokens) == ("one", 4, 1)

    def test_comments_and_other_fields_say_nothing(self, server: WireServer, engine: RemoteEngine) -> None:
        server.answer = says(
            ": keepalive\n\n",
            "id: 7\nevent: message\nretry: 10\n",
            chunk("one"),
            event({"choices": []}),
            event({"choices": None, "usage": None}),
            "data:" + chunk(" two").removeprefix("data: "),  # without the space
            chunk(None),
            chunk(finish="stop").replace("\n", "\r\n"),
            DONE,
        )

        assert hear(engine)[0] == "one two"

    def test_any_text_arrives_as_it_was_written_however_it_is_cut(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        text = "שלום \u2028 عالم \x85 \x0b 🙂👩‍👩‍👧 end\r\n"
        sent = (chunk(text) + chunk(finish="stop")).encode()

        def bytewise(exchange: Exchange) -> None:
            exchange.head()
            for at in range(0, len(sent), 7):
                data = sent[at : at + 7]
                exchange._handler.wfile.write(f"{len(data):X}\r\n".encode() + data + b"\r\n")
            exchange.end()

        server.answer = bytewise

        assert hear(engine)[0] == text

    def test_thoughts_are_not_shown_but_keep_the_stream_alive(
        self, server: WireServer, engine: RemoteEngine
    ) -> None:
        thought = event({"choices": [{"delta": {"reasoning_content": "hmm"}, "finish_reason": None}]})
        server.answer = says(thought, chunk("one"), chunk(finish="stop"))

        assert hear(engine)[0] == "one"

    def test_an_answer_in_one_piece_is_an_answer(self, server: WireServer, engine: RemoteEngine) -> None:
        choice = {"message": {"role": "assistant", "content": "one"}, "finish_reason": "stop"}
        server.answer = lambda exchange: exchange.whole(
            200, {"choices": [choice], "usage": usage(exchange, written=1)}
        )

        assert hear(engine)[0] == "one"

    @pytest.mark.parametrize("mark", ["<|end|>", "<|endoftext|>", "<|im_end|>"])
    def test_an_end_mark_that_leaks_through_ends_the_reply(
        self, mark: str, server: WireServer, engine: RemoteEngine
    ) -> None:
        server.answer = says(chunk("one <|"), chunk(mark[2:] + "\n<|user|> and"), chunk(" on"), ended=False)

        text, finish = hear(engine)

        assert text == "one "
        assert finish.reason is FinishReason.STOP


def test_connections_are_used_again(server: WireServer, engine: RemoteEngine) -> None:
    ports: set[int] = set()

    def noting(exchange: Exchange) -> None:
        ports.add(exchange._handler.client_address[1])
        counts(exchange)

    server.answer = noting
    for _ in range(3):
        hear(engine)

    assert until(lambda: len(server.requests) == 3)
    assert len(ports) == 1
