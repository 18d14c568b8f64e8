"""Ollama's own pull, driven through its HTTP API."""

import json

import pytest

from inference.pull import Progress
from inference.pull_errors import PullError, PullInterrupted, PullStopped, SourceMissing, SourceUnreachable
from inference.pull_ollama import pull_tag
from tests.inference.servers.ollama_like import ollama_server, refuses, says
from tests.inference.servers.wire import Answer, Exchange, free_port

TAG = "phi3.5"


def line(status: str = "", **more: object) -> str:
    return json.dumps({"status": status, **more}) + "\n"


def layer(completed: int, digest: str = "sha256:aa", total: int = 1000) -> str:
    return line(f"pulling {digest[7:]}", digest=digest, total=total, completed=completed)


def test_a_pull_tells_how_far_all_layers_are() -> None:
    told: list[Progress] = []
    pieces = [line("pulling manifest"), layer(400), layer(1000), layer(50, "sha256:bb", 100), line("success")]

    with ollama_server(slowly(*pieces)) as server:
        pull_tag(server.url, TAG, on_progress=told.append)

    assert server.requests[0].path == "/api/pull"
    assert server.requests[0].body["model"] == TAG
    assert told[-1] == Progress("pulling bb", 1050, 1100)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(line(error="pull model manifest: file does not exist")), SourceMissing, TAG),
        (refuses(404, "model not found"), SourceMissing, TAG),
        (refuses(500, "no space left on device"), PullInterrupted, "no space left"),
        (says(layer(10), line(error="max retries exceeded")), PullError, "max retries"),
        (says(layer(10)), PullInterrupted, "ended the pull"),
        (says(layer(10), ended=False), PullInterrupted, "again"),
        (says("<html>\n"), PullInterrupted, "JSON"),
    ],
)
def test_what_goes_wrong_there_is_said_in_a_sentence(
    answer: Answer, error: type[PullError], words: str
) -> None:
    with ollama_server(answer) as server, pytest.raises(error, match=words):
        pull_tag(server.url, TAG)


def test_a_server_that_nobody_runs_is_said_in_a_sentence() -> None:
    with pytest.raises(SourceUnreachable, match="OLLAMA_URL"):
        pull_tag(f"http://127.0.0.1:{free_port()}", TAG)


def test_a_pull_that_is_stopped_closes_the_call() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(kind="application/x-ndjson")
        exchange.write(layer(10))
        exchange.wait()

    with ollama_server(answer) as server:
        with pytest.raises(PullStopped):
            pull_tag(server.url, TAG, should_stop=lambda: bool(server.requests))

        assert server.hung_up.wait(5)


def slowly(*pieces: str) -> Answer:
    """Send lines further apart than progress is told."""

    def answer(exchange: Exchange) -> None:
        import time

        exchange.head(kind="application/x-ndjson")
        for piece in pieces:
            exchange.write(piece)
            time.sleep(0.22)
        exchange.end()

    return answer
