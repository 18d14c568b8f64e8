"""The real site for tests: `manage.py serve` on a free port, with a data directory of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.environment import ROOT

PASSWORD = "correct horse battery"
START_TIMEOUT_S = 60.0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Wait until a condition holds. Raises: TimeoutError, naming `what`."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain: {what}")
        time.sleep(0.05)


def answers(url: str, host: str = "") -> bool:
    """Say whether an address answers with success, under another host name where one is given."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


class Process:
    """A child process that writes to a log file, in a session of its own."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        """Start it."""
        self.command = command
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def cpu_s(self) -> float:
        """Return the CPU seconds it and its ended children have used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Return its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="utf-8").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    def is_running(self) -> bool:
        """Say whether it still runs."""
        return self._child.poll() is None

    def check_running(self) -> None:
        """Raise RuntimeError with the end of its log when it has ended."""
        if not self.is_running():
            raise RuntimeError(
                f"{' '.join(self.command)} ended with {self._child.returncode}:\n{self.tail()}"
            )

    def tail(self, size: int = 4000) -> str:
        """Return the end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-size:]

    def stop(self, timeout_s: float = 15.0) -> int:
        """End it by SIGTERM and return its exit status; after the time-out kill its whole group."""
        if self.is_running():
            self._child.terminate()
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Kill it and its children as a power cut would."""
        if self.is_running():
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(10)


class Site:
    """An embedded site: its address, its data directory, its commands."""

    def __init__(self, data_dir: Path, **variables: str) -> None:
        """Name it; nothing runs yet. `variables` are environment variables of the site alone."""
        self.data_dir = data_dir
        self.port = free_port()
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "DJANGO_SETTINGS_MODULE": "chatsite.settings",
            "SEED_PASSWORD": PASSWORD,
            "PORT": str(self.port),
            **variables,
        }
        self.process: Process | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Where its chat socket is."""
        return f"ws://127.0.0.1:{self.port}/ws/chat/"

    def start(self) -> None:
        """Start serving and wait until it answers."""
        command = [sys.executable, "manage.py", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = process = Process(command, self.environment, self.data_dir / "serve.log")

        def is_up() -> bool:
            process.check_running()
            return answers(f"{self.url}/healthz", self.environment.get("ALLOWED_HOSTS", "").split(",")[0])

        wait_until(is_up, f"{self.url}/healthz")

    def stop(self) -> None:
        """End it cleanly."""
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process:
            self.process.kill()

    def manage(self, *arguments: str, timeout_s: float = 120.0) -> str:
        """Run a management command on this site's data and return what it prints.

        Raises: RuntimeError with its output when it fails.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout


@pytest.fixture(scope="session")
def start_site() -> Iterator[Callable[..., Site]]:
    """Start sites with variables of their own: `start_site(ENGINE="paced")`, seeded unless `demo=False`."""
    started: list[Site] = []

    def start(*, demo: bool = True, **variables: str) -> Site:
        new = Site(Path(tempfile.mkdtemp(prefix="chatsite-site-")), **variables)
        started.append(new)
        new.manage("prepare", *(["--demo"] if demo else []))
        new.start()
        return new

    yield start
    for site in started:
        site.kill()
        shutil.rmtree(site.data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def site(start_site: Callable[..., Site]) -> Site:
    """One seeded site for all tests that only read or add; its people have PASSWORD."""
    return start_site()
