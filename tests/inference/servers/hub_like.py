"""A model hub: repository metadata with blobs, files by revision, ranges, redirects for the large ones."""

import hashlib
import json
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 20_000
PIECE_BYTES = 16_384


@dataclass
class HubServer:
    """One hub with one repository. files: path in the repository → content.

    cuts: path → after how many bytes the connection ends, one entry for each answer, then no more.
    damaged: paths whose content is sent with one byte changed. refusal: what everything is answered with.
    sent, ranges: bytes of content and Range headers, by path. pause_s: after each piece of content.
    references: other branches; the one asked for takes the place of `files`.
    """

    repo: str
    files: dict[str, bytes]
    url: str = ""
    has_ranges: bool = True
    pause_s: float = 0.0
    refusal: tuple[int, dict[str, str]] | None = None
    cuts: dict[str, list[int]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)
    ranges: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    metadata_asked: int = 0
    references: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()

    def metadata(self) -> dict[str, object]:
        siblings = []
        for path, content in self.files.items():
            entry: dict[str, object] = {
                "rfilename": path,
                "size": len(content),
                "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }
            if len(content) > LARGE_BYTES:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
                entry["blobId"] = hashlib.sha1(f"pointer {digest}".encode()).hexdigest()
            siblings.append(entry)
        return {"id": self.repo, "sha": self.revision, "siblings": siblings, "tags": [], "private": False}

    def content(self, path: str) -> bytes:
        content = self.files[path]
        return content[:-1] + bytes([content[-1] ^ 1]) if path in self.damaged else content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_GET(self) -> None:
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        if hub.refusal:
            self._whole(hub.refusal[0], b"{}", hub.refusal[1])
        elif (reference := path.removeprefix(f"/api/models/{hub.repo}/revision/")) in hub.references:
            hub.files = hub.references[reference]
            self._whole(200, json.dumps(hub.metadata()).encode(), {"Content-Type": "application/json"})
        elif path.startswith(f"/api/models/{hub.repo}"):
            hub.metadata_asked += 1
            self._whole(200, json.dumps(hub.metadata()).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/cdn/") and path[5:] in hub.files:
            self._file(path[5:], {})
        elif (
            path.startswith(prefix := f"/{hub.repo}/resolve/{hub.revision}/")
            and path[len(prefix) :] in hub.files
        ):
            self._resolve(path[len(prefix) :])
        else:
            self._whole(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _resolve(self, name: str) -> None:
        content = self.hub.files[name]
        known = {"X-Repo-Commit": self.hub.revision, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        if len(content) <= LARGE_BYTES:
            self._file(name, known)
            return
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": hashlib.sha256(content).hexdigest()}
        self._whole(302, b"", {**known, **linked, "Location": f"{self.hub.url}/cdn/{name}"})

    def _file(self, name: str, headers: dict[str, str]) -> None:
        hub, content, start = self.hub, self.hub.content(name), 0
        if asked := self.headers.get("Range"):
            hub.ranges[name].append(asked)
            if hub.has_ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                headers = {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.send_response(206 if "Content-Range" in headers else 200)
        for key, value in {**headers, "Content-Length": str(len(content) - start)}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self._send(name, content[start:])

    def _send(self, name: str, content: bytes) -> None:
        cuts = self.hub.cuts.get(name)
        end = cuts.pop(0) if cuts else len(content)
        for at in range(0, min(end, len(content)), PIECE_BYTES):
            piece = content[at : min(at + PIECE_BYTES, end)]
            self.wfile.write(piece)
            self.hub.sent[name] += len(piece)
            time.sleep(self.hub.pause_s)
        if end < len(content):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)

    def _whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a test broke is no news."""


@contextmanager
def hub_server(repo: str, files: dict[str, bytes]) -> Iterator[HubServer]:
    """Serve a repository on a free port of this machine."""
    hub = HubServer(repo, dict(files))
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
