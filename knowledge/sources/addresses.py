"""Web addresses: one parser for the check and for the request. Pure; no Django here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna

LONGEST = 1000
DEFAULT_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::(?P<port>[0-9]{1,5}))?")
_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_TRACKING = re.compile(r"(?:utm_[a-z]+|fbclid|gclid|mc_eid)(?:=|$)")


class NotAnAddress(ValueError):
    """Not an http or https address, or one that two parsers would read differently."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A web address in its one form. host: ASCII, lower case, IPv6 in brackets; target: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        """Write it; two addresses of one page are equal."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def netloc(self) -> str:
        """Host, and the port where it is not the scheme's own: what the Host header says."""
        return self.host if self.port == DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def bare_host(self) -> str:
        """The host as the resolver takes it."""
        return self.host.strip("[]")

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    @property
    def place(self) -> str:
        """What tells pages of one site apart: neither scheme nor a slash at the end do."""
        path, mark, query = self.target.partition("?")
        return f"{self.netloc}{path.rstrip('/')}{mark}{query}"

    @property
    def sibling(self) -> str:
        """The same site with www before its name, or without."""
        return self.netloc[4:] if self.netloc.startswith("www.") else f"www.{self.netloc}"

    def join(self, reference: str) -> WebAddress:
        """Follow a link found on this page. Raises: NotAnAddress."""
        reference = reference.strip(" \t\r\n\f")
        if _FORBIDDEN.search(reference):
            raise NotAnAddress(reference)
        try:
            return parse(urljoin(str(self), reference))
        except ValueError as exc:
            raise NotAnAddress(reference) from exc

    def at(self, target: str) -> WebAddress:
        """Return another address of the same server."""
        return WebAddress(self.scheme, self.host, self.port, target)


def parse(text: str) -> WebAddress:
    """Read an absolute address and bring it into its one form.

    The fragment goes, the parts of the query are sorted, the letters of visits' counters dropped.
    Raises: NotAnAddress for other schemes, credentials, control characters, backslashes, and hosts that are
    numbers in any other form than four decimal ones.
    """
    if len(text) > LONGEST or _FORBIDDEN.search(text):
        raise NotAnAddress(text[:LONGEST])
    try:
        parts = urlsplit(text.strip(" "))
    except ValueError as exc:
        raise NotAnAddress(text) from exc
    netloc = _NETLOC.fullmatch(parts.netloc)
    if parts.scheme not in DEFAULT_PORTS or netloc is None:
        raise NotAnAddress(text)
    port = int(netloc["port"] or DEFAULT_PORTS[parts.scheme])
    if not 0 < port < 65536:
        raise NotAnAddress(text)
    address = WebAddress(parts.scheme, _host(netloc["host"]), port, _target(parts.path, parts.query))
    if len(str(address)) > LONGEST:
        raise NotAnAddress(text)
    return address


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1])}]"
        except ValueError as exc:
            raise NotAnAddress(text) from exc
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError) as exc:
            raise NotAnAddress(text) from exc
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host):
        raise NotAnAddress(text)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as exc:  # 127.1, 0x7f.1, 2130706433: every library reads them its own way
            raise NotAnAddress(text) from exc
    return host


def _target(path: str, query: str) -> str:
    path = path or "/"
    if "/." in path and not path.startswith("//"):
        path = urlsplit(urljoin("http://x/", path)).path
    parts = (_escaped(part, more="?") for part in query.split("&") if part)
    query = "&".join(sorted(part for part in parts if not _TRACKING.match(part)))
    return _escaped(path) + (f"?{query}" if query else "")


def _escaped(text: str, more: str = "") -> str:
    return quote(_ESCAPE.sub("%25", text), safe=_PATH_SAFE + more)
