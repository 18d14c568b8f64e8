"""Archives: every readable file under its path, the rest named, and nothing that wants to do harm."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from email.message import EmailMessage

import pytest

from knowledge.extract.errors import warning_message
from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import archive, pdf, word

HELLO = b"Hello from a text file."


def plain_word() -> bytes:
    return word(lambda document: document.add_paragraph("Hello from Word."))


def nested(data: bytes, levels: int) -> bytes:
    """Return an archive that holds `data` in that many archives inside each other."""
    for _level in range(levels):
        data = archive({"inner.zip": data})
    return data


def entry(name: str, *, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits |= flags
    return info


def written(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        warnings.simplefilter("ignore")  # zipfile warns about what these tests are for
        for info, content in entries:
            new.writestr(info, content)
    return stream.getvalue()


def test_each_file_is_read_by_its_own_reader_under_its_path(read: Read) -> None:
    data = archive(
        {
            "notes/hello.txt": HELLO,
            "letter.docx": plain_word(),
            "guide.md": b"# Setup\n\nPlug it in.",
            "manual.pdf": pdf([["First page."], ["Second page."]]),
        }
    )

    result = read(data, "all_of_it.zip")

    assert (result.title, result.format, result.pages) == ("all of it", "zip", None)
    assert [(section.heading, section.page, section.text) for section in result.sections] == [
        (("notes/hello.txt",), None, "Hello from a text file."),
        (("letter.docx",), None, "Hello from Word."),
        (("guide.md", "Setup"), None, "Plug it in."),
        (("manual.pdf",), 1, "First page."),
        (("manual.pdf",), 2, "Second page."),
    ]
    assert result.warnings == ()


def test_mail_inside_brings_its_attachments(read: Read) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Printer"
    mail.set_content("See the note.")
    mail.add_attachment(b"Turn it off and on.", maintype="text", subtype="plain", filename="note.txt")

    sections = read(archive({"mails/1.eml": mail.as_bytes()}), "mails.zip").sections

    assert [section.heading for section in sections] == [
        ("mails/1.eml", "Printer"),
        ("mails/1.eml", "Printer", "note.txt"),
    ]


def test_a_title_that_is_nowhere_else_stays_in_the_path(read: Read) -> None:
    data = archive({"p1.html": b"<html><title>Refunds</title><p>Within 30 days.</p></html>"})

    assert read(data, "site.zip").sections[0].heading == ("p1.html", "Refunds")


def test_files_that_cannot_be_read_are_named_with_the_reason(read: Read) -> None:
    data = archive({"a.txt": HELLO, "logo.png": b"\x89PNG\r\n\x1a\n", "cut.docx": plain_word()[:900]})

    result = read(data, "mixed.zip")

    assert [section.text for section in result.sections] == ["Hello from a text file."]
    assert result.warnings == ("part:logo.png\tunread:unsupported_type", "part:cut.docx\tunread:corrupt")
    sentences = [warning_message(warning) for warning in result.warnings]
    assert sentences[0] == "logo.png: Not read, because files of this type can't be read here."
    assert sentences[1].startswith("cut.docx: Not read. This file is damaged")


def test_a_warning_of_a_file_inside_keeps_its_name(read: Read) -> None:
    russian = "Это русский текст, который был сохранён очень давно. " * 20

    result = read(archive({"old.txt": russian.encode("cp1251")}), "old.zip")

    assert [warning_message(warning) for warning in result.warnings] == [
        "old.txt: The encoding was guessed (cp1251)."
    ]


def test_hundreds_of_unread_files_end_in_a_count(read: Read) -> None:
    data = archive({"a.txt": HELLO, **{f"{at}.png": b"x" for at in range(60)}})

    result = read(data, "pictures.zip")

    assert len(result.warnings) == 51
    assert warning_message(result.warnings[-1]) == "There are 10 more warnings."


def test_what_systems_leave_in_archives_is_passed_over(read: Read) -> None:
    data = archive({"a.txt": HELLO, "__MACOSX/._a.txt": b"\x00\x05", ".DS_Store": b"\x00", "empty/": b""})

    result = read(data, "mac.zip")

    assert len(result.sections) == 1
    assert result.warnings == ()


def test_names_in_unmarked_utf8_are_told(read: Read) -> None:
    data = archive({"מדריך.txt": HELLO}).replace(b"\x00\x08", b"\x00\x00", 1)
    at = data.rfind(b"PK\x01\x02")
    unmarked = data[: at + 8] + b"\x00\x00" + data[at + 10 :]

    assert read(unmarked, "names.zip").sections[0].heading == ("מדריך.txt",)


def test_archives_inside_are_read_to_the_depth_allowed(read: Read) -> None:
    data = nested(archive({"a.txt": HELLO}), 2)

    assert read(data, "outer.zip").sections[0].heading == ("inner.zip", "inner.zip", "a.txt")


def test_archives_nested_deeper_are_refused(refusal: Refusal) -> None:
    assert refusal(nested(archive({"a.txt": HELLO}), 3), "deep.zip").code == "archive_bomb"


def test_deep_nesting_does_not_cost_the_files_beside_it(read: Read) -> None:
    data = archive({"a.txt": HELLO, "deep.zip": nested(archive({"b.txt": HELLO}), 3)})

    result = read(data, "both.zip")

    assert [section.heading for section in result.sections] == [("a.txt",)]
    assert result.warnings == ("part:deep.zip\tunread:archive_bomb",)


def test_many_archives_of_many_files_are_refused_together(refusal: Refusal) -> None:
    """No archive is over a limit by itself; all of them together are."""
    inner = archive({f"{at}.png": b"" for at in range(1500)})

    assert refusal(archive({f"{at}.zip": inner for at in range(3)}), "many.zip").code == "archive_bomb"


def test_archives_that_unpack_to_too_much_together_are_refused(refusal: Refusal) -> None:
    # Stored, so that each level's ratio is innocent.
    inner = archive({"zeros.png": b"\x00" * 90_000_000})

    assert refusal(archive({f"{at}.zip": inner for at in range(3)}), "big.zip").code == "archive_bomb"


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "..\\e.txt"]
)
def test_paths_that_lead_outside_are_refused(refusal: Refusal, name: str) -> None:
    assert refusal(archive({"a.txt": HELLO, name: HELLO}), "slip.zip").code == "archive_bomb"


def test_symbolic_link_is_refused(refusal: Refusal) -> None:
    link = entry("link.txt", mode=stat.S_IFLNK | 0o777)

    assert (
        refusal(written((entry("a.txt"), HELLO), (link, b"/etc/passwd")), "link.zip").code == "archive_bomb"
    )


def test_two_entries_of_one_name_are_refused(refusal: Refusal) -> None:
    data = written((entry("a.txt"), HELLO), (entry("a.txt"), b"Something else."))

    assert refusal(data, "twice.zip").code == "archive_bomb"


def test_archive_with_a_password_is_called_protected(refusal: Refusal) -> None:
    data = bytearray(archive({"a.txt": HELLO}))
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1

    assert refusal(bytes(data), "locked.zip").code == "encrypted"


def test_archive_that_unpacks_to_far_more_is_refused(refusal: Refusal) -> None:
    assert refusal(archive({"zeros.txt": b"0" * 50_000_000}), "bomb.zip").code == "archive_bomb"


def test_too_many_entries_are_refused(refusal: Refusal) -> None:
    assert refusal(archive({f"{at}.txt": b"x" for at in range(2001)}), "many.zip").code == "archive_bomb"


def test_entries_that_share_their_bytes_are_refused(refusal: Refusal) -> None:
    """Every entry of the directory points to the same packed bytes."""
    data = archive({f"{at:03}.txt": b"0123456789abcdef" * 4000 for at in range(50)})
    first = data[: data.find(b"PK\x03\x04", 4)]
    start = data.find(b"PK\x01\x02")
    directory = bytearray(data[start:])
    at = 0
    while (at := directory.find(b"PK\x01\x02", at)) != -1:
        directory[at + 42 : at + 46] = struct.pack("<I", 0)
        at += 4
    end = directory.rfind(b"PK\x05\x06")
    directory[end + 16 : end + 20] = struct.pack("<I", len(first))

    assert refusal(first + bytes(directory), "overlap.zip").code == "archive_bomb"


def test_directory_that_lies_about_a_size_does_not_unpack_more(refusal: Refusal) -> None:
    data = bytearray(archive({"a.txt": b"A" * 50_000_000}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 5000)

    assert refusal(bytes(data), "lie.zip").code == "corrupt"


def test_word_bomb_inside_is_named_and_costs_nothing_else(read: Read) -> None:
    # Stored outside, so that only the inner container is a bomb.
    bomb = archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:p/>" * 5_000_000})

    result = read(archive({"a.txt": HELLO, "bomb.docx": bomb}), "letters.zip")

    assert [section.heading for section in result.sections] == [("a.txt",)]
    assert result.warnings == ("part:bomb.docx\tunread:archive_bomb",)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({}, "empty_file"),
        ({"folder/": b""}, "empty_file"),
        ({"a.txt": b""}, "empty_file"),
        ({"a.exe": b"MZ\x90\x00"}, "unsupported_type"),
        ({"a.exe": b"MZ\x90\x00", "b.txt": b""}, "no_text"),
        ({"a.txt": b"MZ\x90\x00" + bytes(60)}, "type_mismatch"),
    ],
)
def test_archive_without_anything_readable_says_why(
    refusal: Refusal, entries: dict[str, bytes], code: str
) -> None:
    assert refusal(archive(entries), "nothing.zip").code == code


@pytest.mark.parametrize(
    ("data", "code", "found"),
    [
        (HELLO, "type_mismatch", ""),
        (b"%PDF-1.7\n...", "type_mismatch", "pdf"),
        (plain_word(), "type_mismatch", "docx"),
        (bytes(range(256)), "corrupt", None),
        (archive({"a.txt": HELLO * 50})[:-30], "corrupt", None),
    ],
)
def test_content_that_is_no_archive_is_refused(
    refusal: Refusal, data: bytes, code: str, found: str | None
) -> None:
    error = refusal(data, "not.zip")

    assert (error.code, error.params.get("found")) == (code, found)
