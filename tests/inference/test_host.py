"""The host: native code may crash, exit, hang or be killed, and the site goes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference.errors import EngineCrashed, EngineError, EngineTimeout, EngineUnavailable, ModelBroken
from inference.host import EngineHost
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    Image,
    Role,
    StreamEvent,
)

MakeHost = Callable[..., EngineHost]


@pytest.fixture
def make_host() -> Iterator[MakeHost]:
    made: list[EngineHost] = []

    def make(misdeed: str = "", *, hang_after_s: float = 30.0, **arguments: float) -> EngineHost:
        host = EngineHost(
            "tests.inference.runtimes.Talker",
            {"misdeed": misdeed, **arguments},
            slots=4,
            hang_after_s=hang_after_s,
        )
        made.append(host)
        return host

    yield make
    for host in made:
        host.close()


def ask(text: str = "word", max_tokens: int = 10) -> GenerationRequest:
    return GenerationRequest((ChatMessage(Role.USER, text),), max_tokens=max_tokens)


def read(host: EngineHost, request: GenerationRequest) -> str:
    return "".join(event.text for event in host.stream(request) if isinstance(event, Delta))


def is_gone(pid: int) -> bool:
    """Say whether the process ended; an orphan may stay a zombie until somebody collects it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition: Callable[[], bool], within_s: float = 15.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_replies_of_one_child_do_not_mix(make_host: MakeHost) -> None:
    host = make_host()
    texts: dict[str, str] = {}

    threads = [
        threading.Thread(target=lambda name=name: texts.update({name: read(host, ask(name))}))
        for name in ("alpha", "beta", "gamma", "delta", "epsilon")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == {name: f"{name} " * 10 for name in ("alpha", "beta", "gamma", "delta", "epsilon")}


@pytest.mark.parametrize("misdeed", ["exit", "crash"])
def test_a_crash_fails_the_replies_under_way_and_the_next_request_is_served(
    misdeed: str, make_host: MakeHost
) -> None:
    host = make_host(misdeed)
    bystander = host.stream(ask("innocent", max_tokens=10_000))
    next(bystander)
    first_pid = host.pid

    with pytest.raises(EngineCrashed):
        read(host, ask("misbehave"))
    with pytest.raises(EngineCrashed):
        list(bystander)

    assert read(host, ask()) == "word " * 10
    assert host.pid != first_pid


def test_a_killed_child_fails_the_reply_in_mid_stream_with_its_text_kept(make_host: MakeHost) -> None:
    host = make_host()
    heard: list[str] = []

    with pytest.raises(EngineCrashed):
        for event in host.stream(ask(max_tokens=10_000)):
            assert isinstance(event, Delta)
            heard.append(event.text)
            if len(heard) == 3 and host.pid:
                os.kill(host.pid, signal.SIGKILL)

    assert heard[:3] == ["word "] * 3
    assert read(host, ask()) == "word " * 10


def test_a_hanging_child_is_killed_and_replaced(make_host: MakeHost) -> None:
    host = make_host("hang", hang_after_s=1.0)

    with pytest.raises(EngineTimeout):
        read(host, ask("misbehave"))

    assert read(host, ask()) == "word " * 10


def test_a_slow_child_that_goes_on_is_not_killed(make_host: MakeHost) -> None:
    host = make_host(hang_after_s=0.8, every_s=0.3)

    assert read(host, ask(max_tokens=6)) == "word " * 6


def test_an_exception_in_the_runtime_fails_that_reply_alone(make_host: MakeHost) -> None:
    host = make_host("raise")
    host.load()
    pid = host.pid

    with pytest.raises(EngineError, match="as asked"):
        read(host, ask("misbehave"))

    assert read(host, ask()) == "word " * 10
    assert host.pid == pid


def test_a_model_that_cannot_be_loaded_says_why(make_host: MakeHost) -> None:
    with pytest.raises(ModelBroken, match="as asked"):
        make_host("broken").load()


def test_a_model_that_does_not_fit_into_memory_is_not_called_broken(make_host: MakeHost) -> None:
    host = make_host("no room")

    with pytest.raises(EngineUnavailable, match="not enough memory for the model: lower MODEL_ROWS"):
        host.load()

    assert isinstance(host.load_failure, EngineUnavailable)


def test_a_reply_that_runs_out_of_memory_says_so_and_the_next_one_is_served(make_host: MakeHost) -> None:
    host = make_host("memory")

    with pytest.raises(EngineUnavailable, match="not enough memory"):
        read(host, ask("misbehave"))

    assert read(host, ask()) == "word " * 10


def test_a_child_that_exits_while_loading_is_a_crash(make_host: MakeHost) -> None:
    with pytest.raises(EngineCrashed):
        read(make_host("exit at load"), ask())


def test_cancel_reaches_the_child(make_host: MakeHost) -> None:
    host = make_host()
    heard: list[object] = []

    heard.extend(host.stream(ask(max_tokens=10_000), should_stop=lambda: len(heard) > 2))

    assert isinstance(heard[-1], Finish)
    assert heard[-1].reason is FinishReason.CANCELLED
    assert heard[-1].usage.completion_tokens < 10_000


def test_cancel_while_the_child_is_stopped_waits_for_nobody_once_it_is_killed(make_host: MakeHost) -> None:
    host = make_host(hang_after_s=1.0)
    host.load()
    assert host.pid
    os.kill(host.pid, signal.SIGSTOP)

    with pytest.raises(EngineTimeout):
        list(host.stream(ask(), should_stop=lambda: True))


def test_a_child_too_stuck_to_take_a_large_question_is_killed_whoever_waits(make_host: MakeHost) -> None:
    host = make_host(hang_after_s=1.0)
    under_way = host.stream(ask(max_tokens=100_000), should_stop=lambda: stuck.is_set())
    stuck = threading.Event()
    next(under_way)
    assert host.pid is not None
    os.kill(host.pid, signal.SIGSTOP)
    picture = Image(bytes(4_000_000), 1000, 1000)  # far more than a pipe takes without a reader
    shown = GenerationRequest((ChatMessage(Role.USER, "look", (picture,)),))
    ends: list[type[EngineError]] = []

    threads = [
        threading.Thread(target=lambda one=one: ends.append(end_of(one)), daemon=True)
        for one in (host.stream(shown), under_way)
    ]
    threads[0].start()
    time.sleep(0.2)  # the question is on its way
    stuck.set()
    threads[1].start()
    for thread in threads:
        thread.join(20)

    assert ends == [EngineTimeout, EngineTimeout]
    assert read(host, ask()) == "word " * 10


def end_of(stream: Iterator[StreamEvent]) -> type[EngineError]:
    """Say how a reply that fails does so."""
    with pytest.raises(EngineError) as raised:
        list(stream)
    return raised.type


def test_a_child_that_died_is_replaced_before_anybody_asks(make_host: MakeHost) -> None:
    host = make_host()
    host.load()
    first_pid = host.pid
    assert first_pid

    os.kill(first_pid, signal.SIGKILL)

    assert wait_for(lambda: host.is_loaded and host.pid != first_pid)


def test_close_ends_the_child(make_host: MakeHost) -> None:
    host = make_host()
    host.load()
    pid = host.pid
    assert pid

    host.close()

    assert host.pid is None
    assert is_gone(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_childs_memory_lies_on_huge_pages_and_what_else_was_tuned_stays(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=0")
    host = make_host()

    host.load()

    variables = (
        Path(f"/proc/{host.pid}/environ").read_bytes().replace(b"\0", b":")
    )  # as the C library parts them
    assert b":GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.check=0:" in variables


@pytest.mark.parametrize("question", ["word", "misbehave"])
def test_the_child_ends_with_its_parent_even_when_stuck(question: str) -> None:
    script = f"""
import sys
from inference.host import EngineHost
from tests.inference.test_host import ask
host = EngineHost("tests.inference.runtimes.Talker", {{"misdeed": "hang"}}, slots=1)
stream = host.stream(ask({question!r}, 1_000_000))
for _ in range(3):
    next(stream)
print(host.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        time.sleep(0.3)  # long enough to get stuck
        assert not is_gone(pid)

        parent.kill()

    assert wait_for(lambda: is_gone(pid))
