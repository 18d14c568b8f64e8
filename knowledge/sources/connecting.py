"""Connections that go only where the guard has looked: the name is resolved once, every address is checked,
and the connection is made to a checked address, whatever the name resolves to a moment later.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache

import httpcore
from django.conf import settings

from knowledge.sources.addresses import WebAddress
from knowledge.sources.errors import HostUnknown, InternalAddress, PortRefused, RunStopped, TooSlow
from knowledge.sources.networks import Allowed, is_public

USUAL_PORTS = frozenset({80, 443})
MOST_TRIED = 4  # addresses of one name
_POLL_S = 0.5  # how long a stop waits for a silent server

ShouldStop = Callable[[], bool]


class Deadline:
    """When a request must be over, and whether anybody still wants it."""

    def __init__(self, seconds: float, should_stop: ShouldStop) -> None:
        """Begin to count."""
        self._until = time.monotonic() + seconds
        self._should_stop = should_stop

    def left_s(self, most: float | None = None) -> float:
        """Return the seconds that are left, `most` at most. Raises: TooSlow, RunStopped."""
        if self._should_stop():
            raise RunStopped()
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooSlow()
        return left if most is None else min(left, most)


def allowed() -> Allowed:
    """Return what the operator opens besides the internet."""
    return Allowed.read(settings.SOURCE_ALLOW_PRIVATE)


def check_port(address: WebAddress) -> None:
    """Refuse ports that are not the web's. Raises: PortRefused."""
    if address.port not in USUAL_PORTS | {int(port) for port in settings.SOURCE_PORTS}:
        raise PortRefused(str(address))


def checked_addresses(address: WebAddress, deadline: Deadline) -> list[str]:
    """Resolve a host once and return its addresses, if every one of them may be read from.

    Raises: InternalAddress, HostUnknown, TooSlow, RunStopped.
    """
    found = _resolve(address, deadline)
    permitted = allowed()
    for text in found:
        ip = ipaddress.ip_address(text.partition("%")[0])
        if not is_public(ip) and not permitted.lets(address.bare_host, ip):
            raise InternalAddress(f"{address.host} is {ip}")
    return found


def _resolve(address: WebAddress, deadline: Deadline) -> list[str]:
    """Look a name up. The system's resolver cannot be stopped, so it works in a thread of its own."""
    answer: list[str] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(address.bare_host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # an empty answer says it
        answer.extend(dict.fromkeys(str(info[4][0]) for info in infos))

    thread = threading.Thread(target=look_up, name="look-up", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(deadline.left_s(_POLL_S))
    if not answer:
        raise HostUnknown(address.host)
    return answer


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses alone, and lets nothing take longer than the deadline."""

    def __init__(self, addresses: list[str], deadline: Deadline) -> None:
        """Take what `checked_addresses` returned."""
        self._addresses = addresses
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; `host` is only the name the server is asked for."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses[:MOST_TRIED]:
            try:
                stream = self._backend.connect_tcp(address, port, self._deadline.left_s(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every step ends with the deadline of the whole request, or with a stop."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                return self._stream.read(max_bytes, self._deadline.left_s(_POLL_S))
            except httpcore.ReadTimeout:  # a step is short so that a stop is seen; the deadline ends it
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


@cache
def tls() -> ssl.SSLContext:
    """Trust what the machine trusts (an operator's own authority included) and the usual authorities."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
