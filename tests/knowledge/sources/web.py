"""A web site for tests: a real server whose pages change, go, dawdle and lie."""

import gzip
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Page:
    """One page. body: bytes, or a function that writes to the connection itself."""

    body: bytes | Callable[["Handler"], None]
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    has_etag: bool = True


class Handler(BaseHTTPRequestHandler):
    """Answers from the site's pages, and writes down what was asked."""

    site: "WebSite"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.site.asked.append((self.path, dict(self.headers)))
        page = self.site.pages.get(self.path)
        if page is None:
            self.whole(404, b"no such page", "text/plain")
        elif callable(page.body):
            page.body(self)
        else:
            etag = f'"{sha256(page.body).hexdigest()[:12]}"' if page.has_etag else ""
            if etag and self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            more = {"ETag": etag, "Last-Modified": formatdate(0, usegmt=True)} if etag else {}
            self.whole(page.status, page.body, page.kind, **more, **page.headers)

    def whole(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # who asked has had enough of it
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class WebSite:
    """The pages by path, and what was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def paths(self) -> list[str]:
        """What was asked for so far, the robots file and the sitemap aside."""
        return [path for path, _headers in self.asked if path not in {"/robots.txt", "/sitemap.xml"}]

    def write(self, path: str, text: str, *links: str, head: str = "", **headers: str) -> None:
        """Put up a page with a sentence and links."""
        anchors = "".join(f'<p><a href="{link}">{link}</a></p>' for link in links)
        body = f"""<!doctype html><html><head><title>Page {path}</title>{head}</head>
            <body><nav>{anchors}</nav><main><h1>{path}</h1><p>{text}</p></main></body></html>"""
        self.pages[path] = Page(body.encode(), headers={n.replace("_", "-"): v for n, v in headers.items()})

    def say(self, path: str, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        """Put up anything."""
        self.pages[path] = Page(body, kind, status, {n.replace("_", "-"): v for n, v in headers.items()})

    def lead(self, path: str, to: str, status: int = 302) -> None:
        """Redirect."""
        self.pages[path] = Page(b"", "text/plain", status, {"Location": to}, has_etag=False)

    def fail(self, path: str, status: int = 500) -> None:
        """Have a page fail."""
        self.pages[path] = Page(b"broken", "text/plain", status, has_etag=False)


def dripping(handler: Handler) -> None:
    """Send a byte every 50 ms for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        return


def endless(handler: Handler) -> None:
    """Send megabytes for ever, without saying how many."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b"x" * 1_000_000)
    except OSError:
        return


def bomb(handler: Handler) -> None:
    """Send 64 MB in 64 KB."""
    handler.whole(200, gzip.compress(bytes(64 * 1024 * 1024)), "text/html", **{"Content-Encoding": "gzip"})


@contextmanager
def web_site() -> Iterator[WebSite]:
    """Serve a site on this machine."""
    handler = type("SiteHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.site = site = WebSite(server.server_port)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def own_certificate(folder: Path) -> Iterator[HTTPServer]:
    """Serve over TLS with a certificate that nobody vouches for."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
