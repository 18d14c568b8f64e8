"""Commands sent to a running embedded site over DATA_DIR/serve.sock, and what comes back.

One connection a command. The client sends one JSON line {"argv", "cwd"}; the site answers JSON lines
{"out": text}, {"err": text} and at the end {"exit": status}. A client that goes away changes nothing:
the command runs to its end.
"""

import contextlib
import io
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand, CommandError, get_commands, load_command_class
from django.db import connections

logger = logging.getLogger(__name__)

MAX_ADDRESS_BYTES = 100
_MAX_REQUEST = 1024 * 1024


def socket_path() -> Path:
    """Return where the running site listens."""
    return Path(settings.DATA_DIR) / "serve.sock"


@contextlib.contextmanager
def _address() -> Iterator[str]:
    """Name the socket in the about 100 bytes an address may have, however long DATA_DIR is."""
    path = socket_path()
    if len(os.fsencode(path)) < MAX_ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class CommandServer:
    """Listens on the socket in a thread, one thread a command."""

    _listener: socket.socket | None = None

    def start(self) -> None:
        """Listen; a socket file left by a killed process is replaced. Mode 0600."""
        path = socket_path()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _address() as address:
            self._listener.bind(address)
        path.chmod(0o600)  # nobody can connect before it listens
        self._listener.listen(8)
        threading.Thread(target=self._accept, name="command-socket", daemon=True).start()

    def stop(self) -> None:
        """Listen no more; nothing where it never did."""
        if self._listener is None:
            return
        with contextlib.suppress(OSError):  # wakes the thread that accepts
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        socket_path().unlink(missing_ok=True)

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection, _client = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(connection,), name="command", daemon=True).start()


def _serve(connection: socket.socket) -> None:
    try:
        with connection, connection.makefile("rwb") as stream:
            _answer(stream)
    except OSError:
        logger.info("command socket: the caller went away")
    finally:
        connections.close_all()  # this thread ends, and nobody else can close its own


def _answer(stream: "io.BufferedRWPair") -> None:
    try:
        request = json.loads(stream.readline(_MAX_REQUEST))
        argv, cwd = [str(word) for word in request["argv"]], str(request["cwd"])
        command = load_command_class(get_commands()[argv[1]], argv[1])
        if not hasattr(command, "working_directory"):  # no jobs.command.SiteCommand
            raise LookupError(argv[1])
    except (ValueError, LookupError, TypeError, ImportError):
        logger.warning("command socket: not a request")
        return
    status = _run(command, argv, cwd, _Channel(stream, "out"), _Channel(stream, "err"))
    _send(stream, {"exit": status})


def _run(command: BaseCommand, argv: list[str], cwd: str, out: "_Channel", err: "_Channel") -> int:
    command.working_directory = cwd  # type: ignore[attr-defined]
    parser = command.create_parser(argv[0], argv[1])
    try:
        options = vars(parser.parse_args(argv[2:]))
        args = options.pop("args", ())
        options |= {"stdout": out, "stderr": err, "no_color": True, "in_site": True}
        command.execute(*args, **options)
    except CommandError as exc:
        err.write(f"{exc}\n")
        return int(exc.returncode)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except Exception:  # the edge of a command: the site goes on
        logger.exception("command %s failed", argv[1])
        err.write("The command failed; the site's log says why.\n")
        return 1
    return 0


class _Channel(io.TextIOBase):
    def __init__(self, stream: "io.BufferedRWPair", name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        _send(self._stream, {self._name: text})
        return len(text)


def _send(stream: "io.BufferedRWPair", line: dict[str, object]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the client went away; the command goes on
        stream.write(json.dumps(line).encode() + b"\n")
        stream.flush()


def forward(argv: list[str]) -> int:
    """Send a command to the running site and print what comes back; return its exit status.

    Raises: ConnectionError when nobody listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        with _address() as address:
            connection.connect(address)
        connection.sendall(json.dumps({"argv": argv, "cwd": str(Path.cwd())}).encode() + b"\n")
        for raw in connection.makefile("rb"):
            line = json.loads(raw)
            if "exit" in line:
                return int(line["exit"])
            print(line.get("out", ""), end="", flush=True)  # noqa: T201
            print(line.get("err", ""), end="", flush=True, file=sys.stderr)  # noqa: T201
    raise ConnectionError("the site ended before the command did")
