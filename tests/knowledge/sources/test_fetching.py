"""The guard: what an address may lead to, and what an answer may cost."""

import gzip
import ipaddress
import socket
import threading
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from knowledge.sources import addresses
from knowledge.sources.addresses import NotAnAddress
from knowledge.sources.errors import (
    BadAddress,
    BadAnswer,
    HostUnknown,
    InternalAddress,
    NotTrusted,
    PageGone,
    PortRefused,
    RunStopped,
    ServerFailing,
    SourceError,
    TooBig,
    TooManyRedirects,
    TooSlow,
    TypeNotRead,
    Unreachable,
)
from knowledge.sources.fetching import TOTAL_S, Fetched, fetch
from knowledge.sources.naming import check_type, file_name, readable_body
from knowledge.sources.networks import Allowed, is_public
from tests.knowledge.sources.web import Handler, Page, WebSite, bomb, dripping, endless, own_certificate

HOSTILE = [
    "http://127.0.0.1",
    "http://2130706433",
    "http://0x7f.1",
    "http://017700000001",
    "http://127.1",
    "http://0",
    "http://①②⑦.⓪.⓪.①",
    "http://127。0。0。1",
    "http://[::1]",
    "http://[::]",
    "http://[::ffff:7f00:1]",
    "http://[::ffff:169.254.169.254]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
    "http://[2001:0:7f00:1::1]",
    "http://[fe80::1]",
    "http://[fd00:ec2::254]",
    "http://192.0.0.192",
    "http://100.64.0.1",
    "http://100.100.100.200",
    "http://168.63.129.16",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1",
    "http://172.16.0.1",
    "http://192.168.1.1",
    "http://255.255.255.255",
    "http://224.0.0.1",
    "http://localhost",
    "http://localhost.",
    "http://1.1.1.1 &@127.0.0.1#@x/",
    "http://evil.com\\@127.0.0.1/",
    "http://evil.com\\127.0.0.1/",
    "http://a@b@c/",
    "http://user:password@example.org/",
    "http://exa\tmple.org/",
    "http://example.org\r\nHost: internal/",
    "http://exam%70le.org/",
    "http://a[::1]/",
    "http://[::1%25eth0]/",
    "http:127.0.0.1/",
    "http:///etc/passwd",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "ftp://example.org/",
    "gopher://example.org/",
    "data:text/html,x",
    "jar:http://example.org!/",
    "javascript:alert(1)",
    "http://example.org:22/",
    "http://example.org:6379/",
    "http://example.org:8000/",
    "http://example.org:0/",
    "http://example.org:99999/",
]


def get(url: str, total_s: float = TOTAL_S) -> Fetched:
    return fetch(addresses.parse(url), total_s=total_s)


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_address_is_refused_before_any_connection(url: str, settings: Settings) -> None:
    settings.SOURCE_ALLOW_PRIVATE = []

    with pytest.raises((NotAnAddress, InternalAddress, PortRefused)):
        get(url)


@pytest.mark.parametrize("ip", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_address_of_the_internet_is_public(ip: str) -> None:
    assert is_public(ipaddress.ip_address(ip))


def test_name_the_operator_allows_still_does_not_open_metadata() -> None:
    allowed = Allowed.read(["wiki.intra", "10.1.0.0/16"])

    assert allowed.lets("wiki.intra", ipaddress.ip_address("192.168.7.7"))
    assert allowed.lets("other.intra", ipaddress.ip_address("10.1.2.3"))
    assert not allowed.lets("other.intra", ipaddress.ip_address("192.168.7.7"))
    assert not allowed.lets("wiki.intra", ipaddress.ip_address("169.254.169.254"))


@pytest.mark.parametrize(
    ("written", "one_form"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/a#b", "https://example.org/a"),
        ("http://example.org/a/./b/../c?z=1&a=2&utm_source=x", "http://example.org/a/c?a=2&z=1"),
        ("http://münchen.de/straße und mehr", "http://xn--mnchen-3ya.de/stra%C3%9Fe%20und%20mehr"),
        ("http://example.org/100%", "http://example.org/100%25"),
        ("http://[2606:4700:0:0::1]/", "http://[2606:4700::1]/"),
    ],
)
def test_address_has_one_form(written: str, one_form: str) -> None:
    assert str(addresses.parse(written)) == one_form


@pytest.mark.parametrize("query", ["[&+", "é&b", "\u3002&z", "utm_x=1&%", "?&="])
def test_address_that_was_written_down_is_read_as_itself(query: str) -> None:
    address = addresses.parse(f"http://example.org/a?{query}")

    assert addresses.parse(str(address)) == address


def test_links_are_followed_from_their_page() -> None:
    page = addresses.parse("https://example.org/docs/guide")

    assert str(page.join("../a b.pdf#page=2")) == "https://example.org/a%20b.pdf"
    with pytest.raises(NotAnAddress):
        page.join("mailto:someone@example.org")
    with pytest.raises(NotAnAddress):
        page.join("/a\nb")


def test_page_is_read_with_its_type_and_our_name(web: WebSite) -> None:
    web.write("/guide", "Words.")

    fetched = get(f"{web.url}/guide")

    assert b"Words." in fetched.body
    assert fetched.media_type == "text/html"
    assert fetched.etag
    _path, headers = web.asked[-1]
    assert headers["User-Agent"].startswith("chatsite/")
    assert headers["Host"] == f"localhost:{web.port}"
    assert "Cookie" not in headers


def test_connection_goes_to_the_address_that_was_checked(
    web: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.write("/", "Words.")
    looked_up: list[str] = []
    resolve = socket.getaddrinfo

    def rebinding(host: str, *args: object, **kwargs: object) -> object:
        """A name server that answers something else each time it is asked."""
        looked_up.append(host)
        is_later = looked_up.count("localhost") > 1 and host == "localhost"
        return resolve("192.0.2.1" if is_later else host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")

    assert b"Words." in get(f"{web.url}/").body
    assert looked_up.count("localhost") == 1


def test_name_with_one_internal_address_among_others_is_refused(
    web: WebSite, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOURCE_ALLOW_PRIVATE = []
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, web.port)) for ip in ("93.184.215.14", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)

    with pytest.raises(InternalAddress):
        get(f"http://rebind.example:{web.port}/")
    assert web.asked == []


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("http://127.0.0.1:6379/", PortRefused),
        ("http://127.0.0.1/", InternalAddress),
        ("http://[::ffff:169.254.169.254]/", InternalAddress),
        ("file:///etc/passwd", BadAddress),
        ("http://user@localhost/", BadAddress),
    ],
)
def test_redirect_is_checked_like_the_address_itself(web: WebSite, to: str, error: type[SourceError]) -> None:
    web.lead("/", to)

    with pytest.raises(error):
        get(f"{web.url}/")


def test_three_redirects_are_followed_and_no_more(web: WebSite) -> None:
    for step in range(11):
        web.lead(f"/{step}", f"/{step + 1}")
    web.write("/11", "At last.")

    assert get(f"{web.url}/8").address.target == "/11"
    with pytest.raises(TooManyRedirects):
        get(f"{web.url}/7")


def test_slow_answer_ends(web: WebSite) -> None:
    web.pages["/slow"] = Page(dripping)

    with pytest.raises(TooSlow):
        get(f"{web.url}/slow", total_s=0.5)


def test_slow_answer_ends_at_once_when_nobody_wants_it_any_more(web: WebSite) -> None:
    web.pages["/slow"] = Page(dripping)
    stopped = threading.Event()

    def stop_after_the_first_bytes() -> bool:
        if web.asked:
            stopped.set()
        return stopped.is_set()

    with pytest.raises(RunStopped):
        fetch(addresses.parse(f"{web.url}/slow"), should_stop=stop_after_the_first_bytes)


def test_endless_answer_ends_at_the_limit(web: WebSite) -> None:
    web.pages["/big"] = Page(endless)

    with pytest.raises(TooBig):
        get(f"{web.url}/big")


def test_packed_bomb_ends_at_the_limit(web: WebSite) -> None:
    web.pages["/bomb"] = Page(bomb)

    with pytest.raises(TooBig):
        get(f"{web.url}/bomb")


def test_packed_page_is_unpacked(web: WebSite) -> None:
    web.say("/", gzip.compress(b"<p>Words.</p>" * 20_000), "text/html", Content_Encoding="gzip")

    assert get(f"{web.url}/").body == b"<p>Words.</p>" * 20_000


def test_page_packed_in_several_pieces_is_read_whole(web: WebSite) -> None:
    packed = gzip.compress(b"<p>one</p>") + gzip.compress(b"<p>two</p>")
    web.say("/", packed, "text/html", Content_Encoding="gzip")

    assert fetch(addresses.parse(web.url)).body == b"<p>one</p><p>two</p>"


@pytest.mark.parametrize("packing", ["br", "gzip"])
def test_packing_that_is_none_is_refused(web: WebSite, packing: str) -> None:
    web.say("/", b"not packed at all", "text/html", Content_Encoding=packing)

    with pytest.raises(BadAnswer):
        get(f"{web.url}/")


@pytest.mark.parametrize(
    ("status", "error"), [(404, PageGone), (410, PageGone), (500, ServerFailing), (429, ServerFailing)]
)
def test_status_says_what_is_wrong(web: WebSite, status: int, error: type[SourceError]) -> None:
    web.fail("/", status)

    with pytest.raises(error):
        get(f"{web.url}/")


def test_type_that_has_no_text_is_refused_before_its_body_is_read(web: WebSite) -> None:
    web.pages["/film"] = Page(endless_film)

    with pytest.raises(TypeNotRead):
        fetch(addresses.parse(f"{web.url}/film"), takes=check_type)


def endless_film(handler: Handler) -> None:
    """Answer with a head that promises a film."""
    handler.whole(200, b"", "video/mp4")


def test_server_that_is_not_there_is_unreachable(web: WebSite, settings: Settings) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        settings.SOURCE_PORTS = [str(port)]

        with pytest.raises(Unreachable):
            get(f"http://localhost:{port}/")


def test_server_with_a_certificate_of_its_own_making_is_refused_and_said_so(
    tmp_path: Path, settings: Settings
) -> None:
    with own_certificate(tmp_path) as server:
        settings.SOURCE_ALLOW_PRIVATE = ["localhost"]
        settings.SOURCE_PORTS = [str(server.server_port)]

        with pytest.raises(NotTrusted) as caught:
            fetch(addresses.parse(f"https://localhost:{server.server_port}/"))

    assert "certificate is not valid" in caught.value.user_message


def test_name_nobody_has_is_unknown(web: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(HostUnknown):
        get("http://nobody.example/")


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/", "text/html", "localhost.html"),
        ("/docs/", "text/html", "docs.html"),
        ("/docs/guide.php?page=2", "text/html", "guide.php.html"),
        ("/terms.pdf", "application/pdf", "terms.pdf"),
        ("/terms", "application/pdf", "terms.pdf"),
        ("/README.md", "text/plain", "README.md"),
        ("/notes", "text/plain", "notes.txt"),
        ("/%D7%A9%D7%9C%D7%95%D7%9D", "text/html", "שלום.html"),
        ("/data.csv", "application/octet-stream", "data.csv"),
    ],
)
def test_name_says_what_was_sent(web: WebSite, path: str, kind: str, name: str) -> None:
    web.say(path, b"x", kind)

    assert file_name(get(web.url + path)) == name


def test_letters_are_read_as_the_header_says(web: WebSite) -> None:
    web.say("/", "<p>שלום</p>".encode("windows-1255"), "text/html; charset=windows-1255")

    assert readable_body(get(f"{web.url}/")) == "<p>שלום</p>".encode()
