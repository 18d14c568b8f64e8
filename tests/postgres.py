"""A PostgreSQL cluster of its own for tests, in a temporary directory, on a free port."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.site import Process, free_port, wait_until

SYSTEM_USER = "postgres"


def binaries() -> Path | None:
    """Find the server's programs: the newest Debian package, else the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(packaged[-1]) if packaged else shutil.which("initdb")
    return Path(found).parent if found else None


needs_postgres = pytest.mark.skipif(
    binaries() is None, reason="PostgreSQL's server programs are not installed"
)


class PostgresServer:
    """One cluster; `url` leads to an empty database of it."""

    def __init__(self) -> None:
        """Make the cluster; PostgreSQL refuses to run as root, so root hands it to the system's user."""
        self.directory = Path(tempfile.mkdtemp(prefix="chatsite-pg-"))
        self.port = free_port()
        self.url = f"postgres://chat@127.0.0.1:{self.port}/chat"
        self.process: Process | None = None
        if os.geteuid() == 0:
            shutil.chown(self.directory, SYSTEM_USER)
        self._run("initdb", "--username=chat", "--auth=trust", "--no-sync", "-D", f"{self.directory}/db")

    def start(self) -> None:
        """Start the server and make the database."""
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "fsync": "off"}
        settings["unix_socket_directories"] = str(self.directory)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = self._command("postgres", "-D", f"{self.directory}/db", *options)
        with tempfile.NamedTemporaryFile(prefix="chatsite-pg-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)
        self.process = Process(command, os.environ, self._log)
        wait_until(lambda: self._is_ready(), "PostgreSQL")
        self._run("createdb", *self._address(), "chat")

    def stop(self) -> None:
        """End the server and delete the cluster."""
        if self.process:
            self.process.kill()
            self._log.unlink(missing_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_ready(self) -> bool:
        assert self.process
        self.process.check_running()
        return not subprocess.run(
            self._command("pg_isready", *self._address()), capture_output=True, cwd="/"
        ).returncode

    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "chat"]

    def _run(self, *command: str) -> None:
        subprocess.run(self._command(*command), check=True, capture_output=True, cwd="/")

    def _command(self, program: str, *arguments: str) -> list[str]:
        folder = binaries()
        assert folder
        as_user = ["runuser", "-u", SYSTEM_USER, "--"] if os.geteuid() == 0 else []
        return [*as_user, str(folder / program), *arguments]
