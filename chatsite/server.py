"""The embedded site: daphne on the main thread; worker, command socket and warm-up in threads beside it."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

os.environ.setdefault("ASGI_THREADS", "16")  # read by daphne when it is imported

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor

from chatsite import lifecycle
from inference.conf import get_engine
from inference.errors import EngineError
from jobs.command_socket import CommandServer
from jobs.embedded import EmbeddedWorker
from knowledge import retrieval
from knowledge.errors import KnowledgeError

logger = logging.getLogger(__name__)

GRACE_S = 8.0
CLOSE_SERVICE_RESTART = 1012


class PortTaken(Exception):
    """The address cannot be listened on."""


class Site:
    """Runs until SIGTERM or SIGINT; then refuses new work, says goodbye to sockets, and ends within 10 s."""

    def __init__(self, host: str, port: int, on_ready: Callable[[str], None]) -> None:
        """Name the address; on_ready is told the site's URL once it answers."""
        self.host, self.port, self._on_ready = host, port, on_ready
        self._worker = EmbeddedWorker()
        self._commands = CommandServer()
        self._server: Server | None = None

    def run(self) -> None:
        """Serve. Raises: PortTaken."""
        _try_port(self.host, self.port)
        from chatsite.asgi import application

        self._server = Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=self.host, port=self.port),
            signal_handlers=False,
            websocket_connect_timeout=5,
            websocket_timeout=-1,
            application_close_timeout=5,
            server_name="",
            ready_callable=self._begin,
            verbosity=0,
        )
        for name in (signal.SIGTERM, signal.SIGINT):
            twisted_loop.add_signal_handler(name, self._begin_end)
        self._server.run()

    def _begin(self) -> None:
        host = "localhost" if self.host in {"127.0.0.1", "::1", "0.0.0.0", "::"} else self.host  # noqa: S104
        self._on_ready(f"http://{host}:{self.port}/")
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        started = time.monotonic()
        self._commands.start()
        self._worker.start()
        try:
            retrieval.warm()
            get_engine().load()
        except (EngineError, KnowledgeError) as exc:
            logger.error("not ready to answer: %s: %s", exc.code, exc)
        lifecycle.set_warm()
        logger.info("warm after %.1f s", time.monotonic() - started)

    def _begin_end(self) -> None:
        if lifecycle.is_draining():
            return
        lifecycle.set_draining()
        assert self._server is not None
        for protocol in list(self._server.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                # sendClose takes 1000 and private codes only
                protocol.sendCloseFrame(code=CLOSE_SERVICE_RESTART, reasonUtf8=b"restarting")
        threading.Thread(target=self._end, name="end", daemon=True).start()
        twisted_loop.call_later(GRACE_S + 1, _stop_reactor)  # whatever the parts do

    def _end(self) -> None:
        try:
            self._commands.stop()
            self._worker.stop(GRACE_S)
            get_engine().close()
        finally:
            reactor.callFromThread(_stop_reactor)


def _stop_reactor() -> None:
    if reactor.running:
        reactor.stop()  # type: ignore[misc]


def _try_port(host: str, port: int) -> None:
    """Fail with a sentence before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise PortTaken(f"{host}:{port} cannot be listened on: {exc.strerror}.") from exc
