"""What a web server's answer is kept as: a name that says its format, and bytes that can be read. Pure."""

from pathlib import PurePosixPath
from urllib.parse import unquote

from knowledge.extract.formats import SUFFIXES
from knowledge.sources.addresses import WebAddress
from knowledge.sources.errors import TypeNotRead
from knowledge.sources.fetching import Fetched

PAGES = {"text/html": ".html", "application/xhtml+xml": ".xhtml"}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_SUFFIXES = {
    **PAGES,
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/x-rst": ".rst",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/epub+zip": ".epub",
    "application/vnd.oasis.opendocument.text": ".odt",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    "message/rfc822": ".eml",
}
_SAYS_LITTLE = {"text/plain", "application/octet-stream", "binary/octet-stream", "application/zip"}
_NEVER = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".ico", ".bmp", ".tif", ".tiff", ".avif"),
    *(".css", ".js", ".mjs", ".map", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".xml", ".rss", ".atom"),
    *(".mp3", ".mp4", ".m4a", ".ogg", ".wav", ".webm", ".mov", ".avi", ".mkv", ".flac"),
    *(
        ".exe",
        ".msi",
        ".dmg",
        ".iso",
        ".deb",
        ".rpm",
        ".apk",
        ".jar",
        ".gz",
        ".tgz",
        ".bz2",
        ".xz",
        ".7z",
        ".rar",
    ),
)


def is_worth_asking(address: WebAddress) -> bool:
    """Say whether a link may lead to text, as far as its ending tells."""
    return not address.path.lower().endswith(_NEVER)


def check_type(address: WebAddress, media_type: str) -> None:
    """Refuse what has no text. Raises: TypeNotRead."""
    if not _suffix(address, media_type):
        raise TypeNotRead(f"{address}: {media_type}")


def is_page(media_type: str) -> bool:
    """Say whether it may lead to other pages."""
    return media_type in PAGES


def file_name(fetched: Fetched) -> str:
    """Return the last part of the address with the ending of what was sent; of a first page the host."""
    suffix = _suffix(fetched.address, fetched.media_type)
    last = unquote(PurePosixPath(fetched.address.path).name, errors="replace")
    if not last:
        return fetched.address.bare_host + suffix
    return last if last.lower().endswith(suffix) else f"{last}{suffix}"


def readable_body(fetched: Fetched) -> bytes:
    """Return the content; text in an encoding that only the headers name is written as UTF-8."""
    if not fetched.charset or not fetched.media_type.startswith(("text/", "application/xhtml")):
        return fetched.body
    try:
        fetched.body.decode("utf-8")
    except UnicodeDecodeError:
        return _rewritten(fetched.body, fetched.charset)
    return fetched.body


def _rewritten(body: bytes, charset: str) -> bytes:
    try:
        return body.decode(charset).encode("utf-8")
    except (UnicodeError, LookupError):  # not what the headers say either: the reader finds out
        return body


def _suffix(address: WebAddress, media_type: str) -> str:
    own = PurePosixPath(address.path).suffix.lower()
    if media_type in _SAYS_LITTLE:
        if own in SUFFIXES and (media_type != "text/plain" or own != ".html"):
            return own
        return ".txt" if media_type == "text/plain" else ""
    return _SUFFIXES.get(media_type, "")
