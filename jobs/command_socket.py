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
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, get_commands, load_command_class

logger = logging.getLogger(__name__)

_MAX_REQUEST = 1024 * 1024


def socket_path() -> Path:
    """Return where the running site listens."""
    return Path(settings.DATA_DIR) / "serve.sock"


class CommandServer:
    """Listens on the socket in a thread, one thread a command."""

    def start(self) -> None:
        """Listen; a socket file left by a killed process is replaced. Mode 0600."""
        path = socket_path()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_umask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(old_umask)
        self._listener.listen(8)
        threading.Thread(target=self._accept, name="command-socket", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._listener.close()
        socket_path().unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(connection,), name="command", daemon=True).start()


def _serve(connection: socket.socket) -> None:
    with connection, connection.makefile("rwb") as stream:
        try:
            request = json.loads(stream.readline(_MAX_REQUEST))
            status = _run(request["argv"], request["cwd"], _Channel(stream, "out"), _Channel(stream, "err"))
        except (ValueError, KeyError, TypeError):
            logger.warning("command socket: not a request")
            return
        _send(stream, {"exit": status})


def _run(argv: list[str], cwd: str, out: "_Channel", err: "_Channel") -> int:
    command = load_command_class(get_commands()[argv[1]], argv[1])
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
        connection.connect(str(socket_path()))
        connection.sendall(json.dumps({"argv": argv, "cwd": str(Path.cwd())}).encode() + b"\n")
        for raw in connection.makefile("rb"):
            line = json.loads(raw)
            if "exit" in line:
                return int(line["exit"])
            print(line.get("out", ""), end="", flush=True)  # noqa: T201
            print(line.get("err", ""), end="", flush=True, file=sys.stderr)  # noqa: T201
    raise ConnectionError("the site ended before the command did")
