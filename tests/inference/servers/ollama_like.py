"""An Ollama server: NDJSON, durations in nanoseconds, errors also in the middle of a 200."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.inference.servers.counting import prompt_tokens, words
from tests.inference.servers.wire import Answer, Exchange, WireServer, serving

MODEL = "phi3.5:latest"


def line(text: str = "", /, **more: object) -> str:
    message = {"role": "assistant", "content": text}
    return json.dumps({"model": MODEL, "message": message, "done": False, **more}, ensure_ascii=False) + "\n"


def counts(exchange: Exchange) -> None:
    """Stream a reply; with no messages, load the model and say so."""
    if not exchange.body["messages"]:
        exchange.whole(200, {"model": MODEL, "done": True, "done_reason": "load"})
        return
    options = exchange.body["options"]
    assert isinstance(options, dict)
    is_guided = "format" in exchange.body
    said = words(options["num_predict"], is_guided=is_guided)
    exchange.head(kind="application/x-ndjson")
    for word in said:
        exchange.write(line(word))
    reason = "stop" if said == words(None, is_guided=is_guided) else "length"
    counted = {"prompt_eval_count": prompt_tokens(exchange.body), "eval_count": len(said)}
    exchange.write(line(done=True, done_reason=reason, total_duration=5_000_000, **counted))
    exchange.end()


def says(*pieces: str, ended: bool = True) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.head(kind="application/x-ndjson")
        for piece in pieces:
            exchange.write(piece)
        if ended:
            exchange.end()
        else:
            exchange.hang_up()

    return answer


def refuses(status: int, error: str) -> Answer:
    return lambda exchange: exchange.whole(status, {"error": error})


def lists(*names: str, **shown: object) -> Answer:
    """Answer /api/tags with names, and /api/show with `shown`."""

    def answer(exchange: Exchange) -> None:
        is_shown = exchange.seen.path == "/api/show"
        exchange.whole(200, shown if is_shown else {"models": [{"name": name} for name in names]})

    return answer


SEES = {"capabilities": ["completion", "vision"]}
READS = {"capabilities": ["completion", "tools"]}


@contextmanager
def ollama_server(answer: Answer = counts, listing: Answer | None = None) -> Iterator[WireServer]:
    with serving(WireServer(answer, listing or lists("nomic-embed-text:latest", MODEL))) as server:
        yield server
