"""Servers with OpenAI's interface: how they stream, and how each kind of them refuses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.inference.servers.counting import prompt_tokens, words
from tests.inference.servers.wire import Answer, Exchange, WireServer, serving

MODEL = "microsoft/Phi-3.5-mini-instruct"
DONE = "data: [DONE]\n\n"


def chunk(text: str | None = None, finish: str | None = None, **more: object) -> str:
    """Write one event."""
    delta: dict[str, object] = {"role": "assistant"} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", "choices": [choice], **more})


def event(value: object) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def usage(exchange: Exchange, written: int) -> dict[str, object]:
    read = prompt_tokens(exchange.body)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def counts(exchange: Exchange) -> None:
    """Stream as vLLM does: role, pieces, finish reason, usage without choices, [DONE]."""
    is_guided = "response_format" in exchange.body
    said = words(exchange.body.get("max_tokens"), is_guided=is_guided)
    exchange.head()
    exchange.write(chunk())
    for word in said:
        exchange.write(chunk(word))
    exchange.write(chunk("", "stop" if said == words(None, is_guided=is_guided) else "length"))
    options = exchange.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        exchange.write(event({"choices": [], "usage": usage(exchange, len(said))}))
    exchange.write(DONE)
    exchange.end()


def says(*pieces: str, ended: bool = True) -> Answer:
    """Stream these lines as they are."""

    def answer(exchange: Exchange) -> None:
        exchange.head()
        for piece in pieces:
            exchange.write(piece)
        if ended:
            exchange.end()
        else:
            exchange.hang_up()

    return answer


def refuses(status: int, value: object, **headers: str) -> Answer:
    return lambda exchange: exchange.whole(status, value, **headers)


def lists(*names: str) -> Answer:
    """Answer /v1/models; /health is not known here."""

    def answer(exchange: Exchange) -> None:
        if exchange.seen.path == "/v1/models":
            exchange.whole(200, {"object": "list", "data": [{"id": name} for name in names]})
        else:
            exchange.whole(404, {"detail": "Not Found"})

    return answer


@contextmanager
def openai_server(answer: Answer = counts, listing: Answer | None = None) -> Iterator[WireServer]:
    with serving(WireServer(answer, listing or lists(MODEL))) as server:
        yield server
