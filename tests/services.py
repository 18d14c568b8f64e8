"""A Redis server of its own for tests, on a free port."""

import os
import shutil
from pathlib import Path

import pytest
import redis

from tests.site import Process, free_port, wait_until

needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


class RedisServer:
    """One server; started again on the same port and directory after `kill` or `stop`."""

    def __init__(self, directory: Path, *options: str) -> None:
        """Name it; `options` are more of its command line."""
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.options = options
        self.process: Process | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.directory),
        ]
        self.process = process = Process(
            [*command, "--save", "", *self.options], os.environ, self.directory / "redis.log"
        )

        def is_up() -> bool:
            process.check_running()
            try:
                with self._client() as client:
                    return bool(client.ping())
            except redis.RedisError:
                return False

        wait_until(is_up, "Redis")

    def stop(self) -> None:
        """End it as an administrator does."""
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process:
            self.process.kill()

    def configure(self, name: str, value: str) -> None:
        """Change its configuration while it runs."""
        with self._client() as client:
            client.config_set(name, value)

    def _client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=3, socket_connect_timeout=3)
