"""docker-compose.yml without containers: its services' very commands against this machine's servers."""

import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TypedDict, cast

import yaml

from tests.environment import ROOT
from tests.postgres import PostgresServer
from tests.site import PASSWORD, Process, answers, free_port, wait_until

COMPOSE_FILE = ROOT / "docker-compose.yml"
WORKERS = ("worker-inference", "worker-ingestion", "worker-background")


class Service(TypedDict, total=False):
    """The part of a compose service that is read here."""

    image: str
    build: str
    command: str
    environment: dict[str, str]
    ports: list[str]
    stop_grace_period: str
    depends_on: dict[str, dict[str, str]]


def services() -> dict[str, Service]:
    """Read the services; anchors are resolved, variables are not."""
    content = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return cast(dict[str, Service], content["services"])


class ScaledOut:
    """The whole site of docker-compose.yml. Only addresses, ports and directories differ from the file."""

    def __init__(self, **variables: str) -> None:
        """Prepare directories; `variables` are set for every service of ours."""
        self.directory = Path(tempfile.mkdtemp(prefix="chatsite-scaled-"))
        self.data_dir = self.directory / "data"
        self.data_dir.mkdir()
        self.ports = {name: free_port() for name in ("web", "redis", "chroma")}
        self.postgres = PostgresServer()
        self.processes: dict[str, Process] = {}
        self._passwords = {"REDIS_PASSWORD": "secret", "POSTGRES_PASSWORD": "unused"}
        self._variables = variables

    @property
    def url(self) -> str:
        """Where the web service answers."""
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def websocket_url(self) -> str:
        """Where its chat socket is."""
        return f"ws://127.0.0.1:{self.ports['web']}/ws/chat/"

    def start(self) -> None:
        """Start everything in the file's order: servers, prepare with demo content, web and workers."""
        self.postgres.start()
        self.launch("redis")
        self.launch("chroma")
        wait_until(lambda: answers(f"http://127.0.0.1:{self.ports['chroma']}/api/v2/heartbeat"), "Chroma")
        self.finish("prepare", self.command("prepare"))
        for name in ("web", *WORKERS):
            self.launch(name)
        wait_until(lambda: self._is_up(), f"{self.url}/healthz")

    def stop(self) -> None:
        """End everything and delete what it wrote."""
        for process in self.processes.values():
            process.kill()
        self.postgres.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def launch(self, name: str) -> Process:
        """Start a service, or start it again; its log goes on in the same file."""
        log = self.directory / f"{name}.log"
        self.processes[name] = Process(self.command(name), self.environment(name), log)
        return self.processes[name]

    def finish(self, name: str, command: list[str]) -> str:
        """Run a one-shot command in our environment to its end and return its log."""
        process = Process(command, self.environment("prepare"), self.directory / f"{name}.log")
        wait_until(lambda: not process.is_running(), name, 120)
        if process.stop():
            raise RuntimeError(process.tail())
        return process.tail()

    def manage(self, *arguments: str) -> list[str]:
        """Return a management command for `finish`."""
        return [sys.executable, "manage.py", *arguments]

    def use_engine(self, name: str) -> None:
        """Have the inference worker answer with another engine; nothing happens when it does already."""
        if self._variables.get("ENGINE") == name:
            return
        self._variables["ENGINE"] = name
        self.processes["worker-inference"].stop()
        self.launch("worker-inference")

    def logs(self) -> str:
        """Return the ends of all logs, for a failing test."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.directory.glob("*.log")
        )

    def command(self, name: str) -> list[str]:
        """Return a service's command from the file, with this run's addresses, ports and directories."""
        words = shlex.split(self._fill_in(services()[name]["command"]))
        program = Path(sys.executable).parent / words[0]
        words[0] = str(program) if program.exists() else words[0]
        for option, value in self._replacements(name).items():
            if option in words:
                words[words.index(option) + 1] = value
            else:
                words += [option, value]
        return words

    def environment(self, name: str) -> dict[str, str]:
        """Return a service's environment from the file, pointed at this run's servers."""
        declared = {
            key: self._fill_in(str(value)) for key, value in services()[name].get("environment", {}).items()
        }
        ours = {
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": f"redis://:{self._passwords['REDIS_PASSWORD']}@127.0.0.1:{self.ports['redis']}/0",
            "CHROMA_URL": f"http://127.0.0.1:{self.ports['chroma']}",
        }
        for key, value in ours.items():
            if key in declared:
                declared[key] = value
        return {**os.environ, **declared, "SEED_PASSWORD": PASSWORD, **self._variables}

    def _replacements(self, name: str) -> dict[str, str]:
        return {
            "web": {"-b": "127.0.0.1", "-p": str(self.ports["web"])},
            "redis": {
                "--port": str(self.ports["redis"]),
                "--bind": "127.0.0.1",
                "--dir": str(self.directory),
            },
            "chroma": {
                "--host": "127.0.0.1",
                "--port": str(self.ports["chroma"]),
                "--path": str(self.directory / "vectors"),
            },
        }.get(name, {})

    def _fill_in(self, text: str) -> str:
        return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda match: self._passwords[match[1]], text)

    def _is_up(self) -> bool:
        for process in self.processes.values():
            process.check_running()
        return answers(f"{self.url}/healthz")
