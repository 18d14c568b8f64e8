"""Files that want to do harm, or are not what they say: each is refused with its own reason."""

from __future__ import annotations

import struct
import zlib

import pytest

from knowledge.extract.errors import build_error
from tests.knowledge.extract.conftest import Refusal
from tests.knowledge.extract.files import WORD_XML, archive, assembled, pdf, with_part, word

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 40
EXE = b"MZ\x90\x00" + b"\x00" * 60 + b"This program cannot be run in DOS mode." + bytes(range(256))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def plain_word() -> bytes:
    return word(lambda document: document.add_paragraph("Hello"))


@pytest.mark.parametrize(
    ("data", "name", "found"),
    [
        (PNG, "picture.pdf", "image"),
        (EXE, "program.pdf", "program"),
        (EXE, "program.txt", "program"),
        (bytes(range(256)) * 20, "noise.txt", "binary"),
        (b"\x00" * 5000, "zeros.csv", "binary"),
        (b"%PDF-1.7\n...", "paper.txt", "pdf"),
        (b"<!DOCTYPE html><html><p>Hi</p></html>", "page.txt", "html"),
        (b"{\\rtf1 hello}", "letter.txt", "rtf"),
        (b"%PDF-1.7\n...", "paper.docx", "pdf"),
        (archive({"a.txt": b"a"}), "archive.docx", "zip"),
        (archive({"word/document.xml": b"<a/>"}), "untyped.docx", "zip"),
        (archive({"[Content_Types].xml": TYPES, "xl/workbook.xml": b"<a/>"}), "sheet.docx", "xlsx"),
        (OLE, "old.docx", "office-legacy"),
    ],
)
def test_content_that_does_not_fit_the_name_is_named(
    refusal: Refusal, data: bytes, name: str, found: str
) -> None:
    error = refusal(data, name)

    assert (error.code, error.params.get("found")) == ("type_mismatch", found)
    assert not error.retryable


@pytest.mark.parametrize("name", ["old.doc", "book.mobi", "run.exe", "noending", ".pdf", "x.pdf.exe"])
def test_other_types_are_refused_with_what_may_be_used(refusal: Refusal, name: str) -> None:
    error = refusal(b"anything", name)

    assert error.code == "unsupported_type"
    assert "PDF, Word (DOCX)" in error.user_message


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "a.md", "a.csv", "a.html"])
def test_empty_file_says_so(refusal: Refusal, name: str) -> None:
    assert refusal(b"", name).code == "empty_file"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"x", "one.pdf"),
        (b"x", "one.docx"),
        (b"%PDF-1.7\n", "head.pdf"),
        (plain_word()[:2000], "truncated.docx"),
        (pdf([["Hello"]])[:200], "truncated.pdf"),
        (with_part(plain_word(), "word/document.xml", b"<w:document"), "cut.docx"),
        (with_part(plain_word(), "[Content_Types].xml", b"garbage"), "types.docx"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 50, "noise.pdf"),
    ],
)
def test_damaged_file_is_called_damaged(refusal: Refusal, data: bytes, name: str) -> None:
    assert refusal(data, name).code == "corrupt"


def test_office_file_with_a_password_is_called_protected(refusal: Refusal) -> None:
    data = OLE + "EncryptedPackage".encode("utf-16-le")

    assert refusal(data, "locked.docx").code == "encrypted"


def test_word_bomb_is_refused_from_its_directory(refusal: Refusal) -> None:
    bomb = b"<w:p><w:r><w:t>" + b"A" * 32 + b"</w:t></w:r></w:p>"
    data = with_part(plain_word(), "word/document.xml", bomb * 1_000_000)

    assert refusal(data, "bomb.docx").code == "archive_bomb"


def test_billion_laughs_are_refused(refusal: Refusal) -> None:
    entities = '<!ENTITY l0 "ha">' + "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)
    )
    body = f'<?xml version="1.0"?><!DOCTYPE d [{entities}]><w:document xmlns:w="{WORD_XML}"><w:body>'
    body += "<w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"
    data = with_part(plain_word(), "word/document.xml", body.encode())

    assert refusal(data, "laughs.docx").code == "archive_bomb"


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "C:\\evil"])
def test_names_outside_the_container_are_refused(refusal: Refusal, name: str) -> None:
    assert refusal(with_part(plain_word(), name, b"x"), "slip.docx").code == "archive_bomb"


def test_too_many_entries_are_refused(refusal: Refusal) -> None:
    data = archive({f"part{at}": b"" for at in range(2500)})

    assert refusal(data, "many.docx").code == "archive_bomb"


def test_lying_directory_does_not_unpack_more(refusal: Refusal) -> None:
    """The directory says the part is small; what is packed is not."""
    data = bytearray(with_part(plain_word(), "word/document.xml", b"<a>" + b"A" * 50_000_000 + b"</a>"))
    at = data.rfind(b"word/document.xml") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<I", 5000)

    assert refusal(bytes(data), "lie.docx").code in ("corrupt", "archive_bomb")


def test_deep_word_nesting_is_refused(refusal: Refusal) -> None:
    deep = "<w:sdt><w:sdtContent>" * 110 + "<w:p/>" + "</w:sdtContent></w:sdt>" * 110
    body = f'<w:document xmlns:w="{WORD_XML}"><w:body>{deep}</w:body></w:document>'

    assert refusal(with_part(plain_word(), "word/document.xml", body.encode()), "deep.docx").code in (
        "too_complex",
        "corrupt",
    )


def test_flate_bomb_is_stopped(refusal: Refusal) -> None:
    bomb = zlib.compress(zlib.compress(b"0" * 300_000_000, 9), 9)
    data = pdf([[]], stream=bomb, filters="/Filter [/FlateDecode /FlateDecode]")
    assert len(data) < 10_000

    assert refusal(data, "bomb.pdf").code == "too_complex"


@pytest.mark.parametrize("kids", ["[2 0 R]", "[2 0 R 2 0 R 2 0 R]", "[99 0 R]"])
def test_page_tree_that_leads_nowhere_is_damaged(refusal: Refusal, kids: str) -> None:
    tree = f"<< /Type /Pages /Count 9 /Kids {kids} >>".encode()

    assert refusal(assembled([b"<< /Type /Catalog /Pages 2 0 R >>", tree]), "loop.pdf").code in (
        "corrupt",
        "no_text",
    )


def test_sentences_are_complete_and_name_no_internals(refusal: Refusal) -> None:
    from knowledge.extract.errors import ERRORS, build_error

    for code in ERRORS:
        message = build_error(code, {}, "Traceback /srv/secret.py").user_message
        assert message.endswith(".")
        assert "secret" not in message
        assert "%(" not in message


def test_a_mismatch_without_an_ending_still_reads_as_a_sentence() -> None:
    message = build_error("type_mismatch", {"found": "binary"}).user_message

    assert message.startswith("The content of this file is not text.")
    assert "“”" not in message
