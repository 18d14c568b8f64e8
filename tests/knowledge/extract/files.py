"""Small real files for the tests, made when they are needed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docx import Document
from pypdf import PdfReader, PdfWriter

WORD_XML = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(build: Callable[[Any], None]) -> bytes:
    """Return a DOCX; `build` gets the empty python-docx document."""
    document = Document()
    build(document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def pdf(pages: Sequence[Sequence[str]], *, stream: bytes | None = None, filters: str = "") -> bytes:
    """Return a PDF with one printed line per item (Latin letters), or a given content stream."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects.append(f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for at, lines in enumerate(pages):
        content = stream if stream is not None else _content(lines)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * at} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(
            f"<< /Length {len(content)} {filters} >>\nstream\n".encode() + content + b"\nendstream"
        )
    return assembled(objects)


def assembled(objects: Sequence[bytes]) -> bytes:
    """Return a PDF file of numbered objects with a right cross-reference table."""
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.writelines(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode())
    return out.getvalue()


def _content(lines: Sequence[str]) -> bytes:
    shown = "".join(
        f"1 0 0 1 50 {750 - 16 * at} Tm ({line.translate(_ESCAPES)}) Tj\n"
        for at, line in enumerate(lines)
        if line
    )
    return f"BT /F1 11 Tf\n{shown}ET".encode("cp1252")


_ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def rewritten(data: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    """Return a PDF after a change made with pypdf."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """Return an Office file in which one part is replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
        if name not in old.namelist():
            new.writestr(name, content)
    return stream.getvalue()


def archive(entries: dict[str, bytes]) -> bytes:
    """Return a ZIP."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in entries.items():
            new.writestr(name, content)
    return stream.getvalue()


def saved(folder: Path, data: bytes) -> Path:
    """Write bytes to a file whose own name says nothing, as storage does."""
    path = folder / "upload.bin"
    path.write_bytes(data)
    return path
