"""Commands on a data directory: beside a running site, without one, two at once, after a crash."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.site import Site, wait_until

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("commands")]

QUESTION = "How long do I have to return a coffee machine?"


def start(site: Site, *arguments: str) -> "subprocess.Popen[str]":
    """Start a command on a site's data."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=site.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(site: Site, *arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit status, output and errors."""
    process = start(site, *arguments)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def events(output: str) -> list[dict[str, object]]:
    """Read JSON Lines; nothing else may be there."""
    return [json.loads(line) for line in output.splitlines()]


def assert_one_answer(output: str) -> None:
    told = events(output)
    assert told[0]["type"] == "turn.accepted"
    assert told[-1]["type"] == "reply.finish"
    assert told[-1]["text"] == "".join(str(e["text"]) for e in told if e["type"] == "reply.delta") != ""


def is_served(site: Site) -> bool:
    return (site.data_dir / "serve.sock").exists()


def test_ask_prints_the_events_of_one_turn_while_the_site_runs(site: Site) -> None:
    wait_until(lambda: is_served(site), "serve.sock")

    status, out, err = run(site, "ask", QUESTION, "--assistant", "support", "--json")

    assert status == 0, err
    assert_one_answer(out)
    assert stat.S_IMODE((site.data_dir / "serve.sock").stat().st_mode) == 0o600


def test_two_commands_at_once_beside_the_site_both_work(site: Site) -> None:
    wait_until(lambda: is_served(site), "serve.sock")

    processes = [start(site, "ask", QUESTION, "--assistant", "support", "--json") for _ in range(2)]
    outputs = [process.communicate(timeout=90)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    for output in outputs:
        assert_one_answer(output)


def test_exit_status_beside_the_site_is_2_for_bad_usage(site: Site) -> None:
    wait_until(lambda: is_served(site), "serve.sock")

    unknown = run(site, "ask", QUESTION, "--assistant", "nobody", "--json")
    missing = run(site, "ask", QUESTION)
    stranger = run(site, "ask", QUESTION, "--assistant", "support", "--user", "nobody")
    odd = run(site, "ask", QUESTION, "--assistant", "support", "--conversation", "x", "--json")
    empty = run(site, "ask", " ", "--assistant", "support", "--json")

    assert [unknown[0], missing[0], stranger[0]] == [2, 2, 2]
    assert [odd[0], empty[0]] == [2, 2]
    assert {output for _status, output, _errors in (unknown, missing, stranger, odd, empty)} == {""}
    for _status, _output, errors in (unknown, missing, stranger, odd, empty):
        assert "Traceback" not in errors


def test_a_command_that_is_cut_off_leaves_the_site_alone(site: Site) -> None:
    wait_until(lambda: is_served(site), "serve.sock")
    process = start(site, "ask", QUESTION, "--assistant", "support", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(site.data_dir / "serve.sock"))
        connection.sendall(b'{"argv": [], "cwd": "/"}\n')
        assert connection.recv(100) == b""
    status, out, _err = run(site, "ask", QUESTION, "--assistant", "support", "--json")

    assert status == 0
    assert_one_answer(out)
    assert site.process is not None
    assert "Traceback" not in site.process.tail(20_000)


def test_a_second_site_on_the_same_data_is_refused_with_a_sentence(site: Site) -> None:
    status, _out, err = run(site, "serve", "--port", "0")

    assert status == 1
    assert "is used by another process" in err
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def still_site(start_site: Callable[..., Site]) -> Site:
    """A site that was killed: a stale socket file lies in its data directory."""
    site = start_site()
    wait_until(lambda: is_served(site), "serve.sock")
    site.kill()
    assert is_served(site)
    return site


def test_commands_work_after_the_site_was_killed_and_wait_for_each_other(still_site: Site) -> None:
    seed = start(still_site, "seed")
    ask = start(still_site, "ask", QUESTION, "--assistant", "support", "--json")
    outputs = [process.communicate(timeout=90) for process in (seed, ask)]

    assert (seed.returncode, ask.returncode) == (0, 0), outputs
    assert_one_answer(outputs[1][0])


def test_the_socket_works_in_a_directory_with_a_long_name(still_site: Site) -> None:
    folder = Path(tempfile.mkdtemp(prefix="chatsite-long-")) / ("d" * 120)
    folder.mkdir()
    program = (
        "import django; django.setup(); from jobs import command_socket as c; s = c.CommandServer();"
        "s.start(); c.forward(['manage.py', 'ask', '--help']); s.stop(); print(c.socket_path().exists())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**still_site.environment, "DATA_DIR": str(folder)},
    )  # fmt: skip

    assert done.stdout.splitlines()[-1:] == ["False"], done.stderr


def test_a_command_without_a_site_says_what_to_do(tmp_path: Path) -> None:
    status, out, err = run(Site(tmp_path), "reconcile", "--json")

    assert (status, out) == (1, "")
    assert "make run" in err
    assert "Traceback" not in err
