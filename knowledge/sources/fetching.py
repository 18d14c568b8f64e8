"""Read one web address, guarded: where it may lead is checked before every connection and every redirect.

No cookies, no proxies of the environment, no authentication. What a request may take is bounded: time,
redirects, and the bytes that come out of a packed answer.
"""

import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message

import httpcore

from knowledge.sources.addresses import NotAnAddress, WebAddress
from knowledge.sources.connecting import (
    Deadline,
    PinnedBackend,
    ShouldStop,
    check_port,
    checked_addresses,
    tls,
)
from knowledge.sources.errors import (
    BadAddress,
    BadAnswer,
    Forbidden,
    NotTrusted,
    OddStatus,
    PageGone,
    ServerFailing,
    TooBig,
    TooManyRedirects,
    TooSlow,
    Unreachable,
)

USER_AGENT = "chatsite/1.0 (reads pages into a site's own knowledge base)"
CONNECT_S = 10.0
TOTAL_S = 30.0
MOST_BYTES = 20 * 1024 * 1024
MOST_HOPS = 3
REDIRECTS = {301, 302, 303, 307, 308}
UNCHANGED = 304
_TAKES = "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.5"

MayVisit = Callable[[WebAddress], None]
Asks = Callable[[WebAddress], Mapping[str, str]]
TakesType = Callable[[WebAddress, str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. address: where the redirects ended. is_unchanged: the server said so, there is no body."""

    address: WebAddress
    is_unchanged: bool
    body: bytes
    media_type: str
    charset: str
    etag: str
    modified: str
    robots: str


def visit_any(_address: WebAddress) -> None:
    """Refuse nothing besides what the guard refuses."""


def ask_nothing(_address: WebAddress) -> Mapping[str, str]:
    """Send no headers of one's own."""
    return {}


def take_any(_address: WebAddress, _media_type: str) -> None:
    """Take any type of content."""


def never_stop() -> bool:
    """Go on."""
    return False


def fetch(
    address: WebAddress,
    *,
    may_visit: MayVisit = visit_any,
    asks: Asks = ask_nothing,
    takes: TakesType = take_any,
    should_stop: ShouldStop = never_stop,
    total_s: float = TOTAL_S,
    enough_bytes: int | None = None,
) -> Fetched:
    """Read an address, over at most three redirects.

    may_visit, asks: called before every request, redirects included; the first may raise, the second gives
    headers (what was known of the page). takes: called with the type before the body is read; may raise.
    enough_bytes: read so many and no more, instead of refusing what is too large.
    Raises: SourceError.
    """
    deadline = Deadline(total_s, should_stop)
    for _hop in range(MOST_HOPS + 1):
        check_port(address)
        may_visit(address)
        addresses = checked_addresses(address, deadline)
        answer = _request(address, addresses, asks(address), takes, deadline, enough_bytes)
        if isinstance(answer, Fetched):
            return answer
        address = answer
    raise TooManyRedirects(str(address))


def _request(
    address: WebAddress,
    addresses: list[str],
    more: Mapping[str, str],
    takes: TakesType,
    deadline: Deadline,
    enough_bytes: int | None,
) -> Fetched | WebAddress:
    """Ask one server once; return its answer, or where it sends us."""
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", address.netloc),
        ("User-Agent", USER_AGENT),
        ("Accept", _TAKES),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
        *more.items(),
    ]
    url = httpcore.URL(
        scheme=address.scheme.encode(),
        host=address.bare_host.encode(),
        port=address.port,
        target=address.target.encode("ascii"),
    )
    limits = {"connect": CONNECT_S, "read": TOTAL_S, "write": TOTAL_S, "pool": TOTAL_S}
    backend = PinnedBackend(addresses, deadline)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls(), network_backend=backend) as pool,
            pool.stream("GET", url, headers=headers, extensions={"timeout": limits}) as response,
        ):
            return _answer(address, response, takes, enough_bytes)
    except httpcore.TimeoutException as exc:
        raise TooSlow(f"{address}: {exc!r}") from exc
    except httpcore.NetworkError as exc:
        if any(isinstance(reason, ssl.SSLCertVerificationError) for reason in exc.args):
            raise NotTrusted(f"{address}: {exc!r}") from exc
        raise Unreachable(f"{address}: {exc!r}") from exc
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as exc:
        raise BadAnswer(f"{address}: {exc!r}") from exc


def _answer(
    address: WebAddress, response: httpcore.Response, takes: TakesType, enough_bytes: int | None
) -> Fetched | WebAddress:
    headers = Headers(response.headers)
    if response.status in REDIRECTS:
        try:
            return address.join(headers.get("location"))
        except NotAnAddress as exc:
            raise BadAddress(f"{address} leads to {exc}") from exc
    is_unchanged = response.status == UNCHANGED
    if not is_unchanged:
        _check_status(address, response.status)
        takes(address, headers.media_type)
    return Fetched(
        address=address,
        is_unchanged=is_unchanged,
        body=b"" if is_unchanged else b"".join(_body(address, response, headers, enough_bytes)),
        media_type=headers.media_type,
        charset=headers.charset,
        etag=headers.get("etag")[:300],
        modified=headers.get("last-modified")[:100],
        robots=headers.get("x-robots-tag").lower(),
    )


def _check_status(address: WebAddress, status: int) -> None:
    if status in {404, 410}:
        raise PageGone(f"{address}: {status}")
    if status in {401, 402, 403, 407, 451}:
        raise Forbidden(f"{address}: {status}")
    if status == 429 or status >= 500:
        raise ServerFailing(f"{address}: {status}")
    if status not in {200, 203}:
        raise OddStatus(f"{address}: {status}")


def _body(
    address: WebAddress, response: httpcore.Response, headers: "Headers", enough_bytes: int | None
) -> Iterator[bytes]:
    """Yield the content, unpacked; never more than the limit. Raises: TooBig, BadAnswer."""
    too_big = TooBig(str(address), {"limit": str(MOST_BYTES // 1024 // 1024)})
    length = headers.get("content-length")
    if length.isdecimal() and int(length) > MOST_BYTES and enough_bytes is None:
        raise too_big
    size = 0
    for part in _unpacked(address, headers.get("content-encoding").lower(), response.iter_stream()):
        size += len(part)
        if size > MOST_BYTES:
            raise too_big
        yield part
        if enough_bytes is not None and size >= enough_bytes:
            return


def _unpacked(address: WebAddress, encoding: str, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Undo the answer's packing in steps of 64 KB, so that a bomb ends at the limit and not in memory."""
    if encoding in {"", "identity"}:
        yield from parts
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise BadAnswer(f"{address}: packed as {encoding[:40]}")
    inflate = _inflater()
    try:
        for part in parts:
            rest = part
            while rest:
                if inflate.eof:  # several packings one after the other are one content
                    inflate = _inflater()
                yield inflate.decompress(rest, 65536)
                rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as exc:
        raise BadAnswer(f"{address}: {exc}") from exc
    if not inflate.eof:
        raise BadAnswer(f"{address}: cut off")


def _inflater() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


class Headers:
    """The headers of an answer, by name without regard to case; the first of a name counts."""

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Take what the wire brought."""
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.decode("latin-1").lower(), _text(value))
        parsed = Message()
        parsed["content-type"] = self.get("content-type") or "application/octet-stream"
        self.media_type = parsed.get_content_type()
        try:
            self.charset = str(parsed.get_content_charset() or "")
        except (ValueError, TypeError, LookupError):  # a parameter in pieces that do not fit together
            self.charset = ""

    def get(self, name: str) -> str:
        """Return a value, or nothing."""
        return self._values.get(name, "")


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return "".join(char for char in text if char.isprintable())
