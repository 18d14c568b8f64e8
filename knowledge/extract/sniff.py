"""Does the content fit the name? Checked before any parser sees the bytes."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from typing import BinaryIO

from knowledge.extract.archive import check_archive
from knowledge.extract.formats import Container, Format, suffix_of
from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

_HEAD_BYTES = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (_OLE, "office-legacy"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\x1f\x8b\x08", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"BZh9", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"{\\rtf", "rtf"),
    (b"SQLite format 3\x00", "database"),
    (b"OggS\x00", "media"),
    (b"ID3\x03", "media"),
    (b"ID3\x04", "media"),
)
_PARTS = (
    ("word/document.xml", "docx"),
    ("xl/workbook.xml", "xlsx"),
    ("ppt/presentation.xml", "pptx"),
    ("META-INF/container.xml", "epub"),
)
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
_WEB_PAGE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE)
# A mailbox may put a line of its own before the first field.
_MAIL = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:From [^\n]*\n)?[A-Za-z][A-Za-z0-9-]*[ \t]*:")
_DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY")


def identify(head: bytes) -> str:
    """Return what the first bytes of a file are known for, or an empty text."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"MZ") and b"\x00" in head:
        return "program"
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp":
        return "image" if head[8:12] == b"WEBP" else "media"
    return ""


def check_content(file: BinaryIO, name: str, entry: Format) -> None:
    """Refuse a file whose content is not what its name promises; leave `file` at its start.

    Raises: Refused (empty_file, type_mismatch, corrupt, encrypted, archive_bomb).
    """
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if size_bytes == 0:
        raise Refused(FailureCode.EMPTY_FILE)
    found = identify(head)
    if entry.container is Container.PDF:
        _check_pdf(head, found, name)
    elif entry.container is Container.OOXML:
        _check_ooxml(file, size_bytes, found, name, entry)
    elif entry.container is Container.PACKAGE:
        _check_package(file, size_bytes, found, name, entry)
    elif entry.container is Container.ZIP:
        _check_zip(file, size_bytes, head, found, name)
    elif entry.container is Container.MAIL:
        _check_mail(head, found, name)
    else:
        _check_text(head, found, name, entry)
    file.seek(0)


def _mismatch(name: str, found: str) -> Refused:
    return Refused(FailureCode.TYPE_MISMATCH, suffix=suffix_of(name), found=found)


def _check_pdf(head: bytes, found: str, name: str) -> None:
    if b"%PDF-" in head[:1024]:
        if found not in ("", "pdf"):
            raise _mismatch(name, found)
        return
    if found:
        raise _mismatch(name, found)
    if len(head) >= 64 and _looks_textual(head):
        raise _mismatch(name, "html" if _WEB_PAGE.match(head) else "")
    raise Refused(FailureCode.CORRUPT, "no PDF header")


def _check_ooxml(file: BinaryIO, size_bytes: int, found: str, name: str, entry: Format) -> None:
    if found == "office-legacy":
        # A password turns an Office container into an OLE file with an encrypted package inside.
        if "EncryptedPackage".encode("utf-16-le") in file.read():
            raise Refused(FailureCode.ENCRYPTED, "encrypted Office container")
        raise _mismatch(name, found)
    names = _zip_names(file, size_bytes, found, name)
    kind = _kind(file, names)
    if "[Content_Types].xml" not in names or entry.main_part not in names:
        raise _mismatch(name, "zip" if kind == entry.name else kind)
    _check_parts(file, names)


def _check_zip(file: BinaryIO, size_bytes: int, head: bytes, found: str, name: str) -> None:
    if found != "zip":
        if found or _looks_textual(head):
            raise _mismatch(name, found)
        raise Refused(FailureCode.CORRUPT, "no ZIP header")
    kind = _kind(file, check_archive(file, size_bytes))
    if kind != "zip":
        raise _mismatch(name, kind)


def _check_mail(head: bytes, found: str, name: str) -> None:
    if found:
        raise _mismatch(name, found)
    if not _MAIL.match(head):
        raise _mismatch(name, "html" if _WEB_PAGE.match(head) else "")


def _check_package(file: BinaryIO, size_bytes: int, found: str, name: str, entry: Format) -> None:
    names = _zip_names(file, size_bytes, found, name)
    kind = _kind(file, names)
    if kind != entry.name or entry.main_part not in names:
        raise _mismatch(name, "zip" if kind == entry.name else kind)


def _zip_names(file: BinaryIO, size_bytes: int, found: str, name: str) -> frozenset[str]:
    if found == "zip":
        return check_archive(file, size_bytes)
    if found:
        raise _mismatch(name, found)
    raise Refused(FailureCode.CORRUPT, "no ZIP header")


def _kind(file: BinaryIO, names: frozenset[str]) -> str:
    """Return the format whose parts a container holds; "zip" where it is none that is known."""
    for part, kind in _PARTS:
        if part in names:
            return kind
    if "content.xml" not in names:
        return "zip"
    # Imported here: its XML parser is needed for few uploads.
    from knowledge.extract.package import Package

    with Package(file) as package:
        declared = package.read("mimetype")[:200].strip() if "mimetype" in names else b""
    if declared.startswith(_OPEN_DOCUMENT):
        return "odt" if declared.startswith(_OPEN_DOCUMENT + b"text") else "open-document"
    return "odt" if "META-INF/manifest.xml" in names else "zip"


def _check_parts(file: BinaryIO, names: frozenset[str]) -> None:
    """Office never declares entities; whoever does wants them expanded."""
    try:
        with zipfile.ZipFile(file) as archive:
            for name in names:
                if name.endswith((".xml", ".rels")):
                    with archive.open(name) as part:
                        start = part.read(_HEAD_BYTES)
                    if _DOCTYPE.search(start):
                        raise Refused(FailureCode.ARCHIVE_BOMB, f"{name} declares entities")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as exc:
        raise Refused(FailureCode.CORRUPT, f"a part can't be unpacked: {exc}") from exc


def _check_text(head: bytes, found: str, name: str, entry: Format) -> None:
    if found:
        raise _mismatch(name, found)
    if entry.name != "html" and _WEB_PAGE.match(head):
        raise _mismatch(name, "html")


def _looks_textual(head: bytes) -> bool:
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return controls == 0
