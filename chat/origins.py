"""Refuse sockets that another site's page opens: the origin must be ours, scheme, host and port."""

from collections.abc import Awaitable, Callable, Collection
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_SCHEMES = {"ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


class SameOriginValidator:
    """Answers 403 unless Origin equals the address asked for, or is in CSRF_TRUSTED_ORIGINS.

    A client that sends no Origin is no browser: it holds no victim's cookies, and is let through.
    """

    def __init__(self, application: Application) -> None:
        """Wrap the next application."""
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass on or refuse."""
        if is_allowed(scope):
            await self.application(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 4403})


def is_allowed(scope: dict[str, Any]) -> bool:
    """Say whether the handshake may come from where it says it does."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get(b"host", "")
    domain, _port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return True
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = _parts(origin)
    return parts is not None and parts == _parts(f"{_scheme(scope, headers)}://{host}")


def _scheme(scope: dict[str, Any], headers: dict[bytes, str]) -> str:
    client = scope.get("client") or ("", 0)
    if is_proxy(str(client[0]), settings.TRUSTED_PROXIES) and b"x-forwarded-proto" in headers:
        return headers[b"x-forwarded-proto"]
    return _SCHEMES.get(scope.get("scheme", "ws"), "http")


def address_of(scope: dict[str, Any]) -> str:
    """Return where a socket comes from: the last hop that none of our own proxies vouches for."""
    address = str((scope.get("client") or ("", 0))[0])
    forwarded = ",".join(
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    )
    hops = [hop.strip() for hop in forwarded.split(",")]
    while hops and is_proxy(address, settings.TRUSTED_PROXIES) and _is_address(hops[-1]):
        address = hops.pop()
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_proxy(address: str, proxies: Collection[str]) -> bool:
    """Say whether an address is one of our own proxies."""
    return any(_is_in(address, proxy) for proxy in proxies)


def _is_in(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


def _parts(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
