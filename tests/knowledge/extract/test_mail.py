"""Mails: who wrote what to whom, in any charset, with what they attached."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from tests.knowledge.extract.conftest import Read, Refusal
from tests.knowledge.extract.files import archive, pdf, word

HEADERS = b"From: Dana <dana@example.org>\nTo: help@example.org\nSubject: Printer\nMIME-Version: 1.0\n"


def mail(body: str = "It does not print.", change: Callable[[EmailMessage], None] | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "Dana Levi <dana@example.org>"
    message["To"] = "help@example.org"
    message["Date"] = "Mon, 03 Mar 2025 09:30:00 +0200"
    message["Subject"] = "The printer"
    message.set_content(body)
    if change:
        change(message)
    return message.as_bytes()


def attach(message: EmailMessage, name: str, data: bytes) -> None:
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)


def test_mail_is_read_with_its_subject_and_its_people(read: Read) -> None:
    result = read(mail(), "message.eml")

    assert (result.title, result.format, result.pages) == ("The printer", "eml", None)
    assert result.sections[0].text == (
        "From: Dana Levi <dana@example.org>\nTo: help@example.org\nDate: Mon, 03 Mar 2025 09:30:00 +0200"
        "\n\nIt does not print."
    )
    assert result.sections[0].heading == ()


def test_plain_text_is_preferred_to_the_same_as_a_web_page(read: Read) -> None:
    result = read(mail("Plain words.", lambda m: m.add_alternative("<p>Web words.</p>", "html")), "a.eml")

    text = "\n".join(section.text for section in result.sections)
    assert "Plain words." in text
    assert "Web words." not in text


@pytest.mark.parametrize("plain", ["", "  \n\n"])
def test_web_page_is_read_where_the_plain_text_says_nothing(read: Read, plain: str) -> None:
    page = "<h1>Offer</h1><p>Half <b>price</b>.</p><script>steal()</script><img src='http://127.0.0.1/x'>"

    result = read(mail(plain, lambda m: m.add_alternative(page, "html")), "a.eml")

    assert [(section.heading, section.text) for section in result.sections[1:]] == [
        (("Offer",), "Half price.")
    ]


def test_mail_without_words_is_its_fields(read: Read) -> None:
    result = read(HEADERS + b"Content-Type: text/html\n\n \n", "a.eml")

    assert [section.text for section in result.sections] == [
        "From: Dana <dana@example.org>\nTo: help@example.org"
    ]
    assert result.warnings == ()


def test_quoted_replies_are_kept_apart_from_the_answer(read: Read) -> None:
    body = "Yes, on Monday.\n\nDana wrote:\n> When will it be ready?\n>\n>> It broke.\n\nBest"

    text = read(mail(body), "re.eml").sections[0].text

    assert text.endswith("Yes, on Monday.\n\nDana wrote:\n\n> When will it be ready?\n\n> It broke.\n\nBest")


def test_attachments_are_read_by_their_own_readers_under_their_names(read: Read) -> None:
    def change(message: EmailMessage) -> None:
        attach(message, "manual.pdf", pdf([["Page one."], ["Page two."]]))
        attach(message, "letter.docx", word(lambda document: document.add_paragraph("From Word.")))
        attach(message, "all.zip", archive({"deep/notes.txt": b"Notes in an archive."}))

    result = read(mail(change=change), "a.eml")

    assert [(section.heading, section.page, section.text) for section in result.sections[1:]] == [
        (("manual.pdf",), 1, "Page one."),
        (("manual.pdf",), 2, "Page two."),
        (("letter.docx",), None, "From Word."),
        (("all.zip", "deep/notes.txt"), None, "Notes in an archive."),
    ]


def test_attachments_that_cannot_be_read_are_named(read: Read) -> None:
    def change(message: EmailMessage) -> None:
        attach(message, "logo.png", b"\x89PNG\r\n\x1a\n")
        attach(message, "bomb.zip", archive({"a.txt": b"0" * 50_000_000}))
        attach(message, "fake.pdf", b"MZ\x90\x00" + bytes(60))

    result = read(mail(change=change), "a.eml")

    assert "It does not print." in result.sections[0].text
    assert result.warnings == (
        "part:logo.png\tunread:unsupported_type",
        "part:bomb.zip\tunread:archive_bomb",
        "part:fake.pdf\tunread:type_mismatch",
    )


def test_attachment_beside_the_web_twin_is_not_lost(read: Read) -> None:
    data = HEADERS + (
        b'Content-Type: multipart/alternative; boundary="a"\n\n'
        b"--a\nContent-Type: text/plain\n\nPlain.\n"
        b'--a\nContent-Type: multipart/mixed; boundary="b"\n\n'
        b"--b\nContent-Type: text/html\n\n<p>Web.</p>\n"
        b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=n.txt\n\nAttached.\n"
        b"--b--\n--a--\n"
    )

    assert [section.text.rpartition("\n")[2] for section in read(data, "a.eml").sections] == [
        "Plain.",
        "Attached.",
    ]


def test_pictures_and_signatures_of_the_text_itself_are_passed_over(read: Read) -> None:
    data = HEADERS + (
        b'Content-Type: multipart/mixed; boundary="a"\n\n'
        b"--a\nContent-Type: text/plain\n\nPlain.\n"
        b"--a\nContent-Type: image/png\nContent-ID: <logo>\n\nxx\n"
        b"--a\nContent-Type: application/pgp-signature; name=signature.asc\n\nxx\n--a--\n"
    )

    assert read(data, "a.eml").warnings == ()


def test_forwarded_mail_is_read_under_its_subject(read: Read) -> None:
    inner = EmailMessage()
    inner["Subject"] = "First complaint"
    inner.set_content("It smokes.")
    inner.add_attachment(b"Seen by a witness.", maintype="text", subtype="plain", filename="note.txt")

    result = read(mail(change=lambda message: message.add_attachment(inner)), "fw.eml")

    assert [(section.heading, section.text) for section in result.sections[1:]] == [
        (("First complaint",), "It smokes."),
        (("First complaint", "note.txt"), "Seen by a witness."),
    ]


def test_endless_forwarding_ends_in_a_warning(read: Read) -> None:
    message = EmailMessage()
    message.set_content("The innermost.")
    for level in range(8):
        outer = EmailMessage()
        outer["Subject"] = f"Fwd {level}"
        outer.set_content(f"Level {level}.")
        outer.add_attachment(message)
        message = outer

    result = read(message.as_bytes(), "chain.eml")

    text = "\n".join(section.text for section in result.sections)
    assert "Level 7." in text
    assert "Level 4." in text
    assert "The innermost." not in text
    assert result.warnings[0].endswith("\tunread:too_complex")


def test_parts_nested_without_end_are_refused(refusal: Refusal) -> None:
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(400)
    )

    assert refusal(HEADERS + deep + b"Content-Type: text/plain\n\nHi", "deep.eml").code == "too_complex"


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        ("utf-8", "utf-8"),
        ("windows-1255", "windows-1255"),
        ("us-ascii", "utf-8"),
        ("x-unknown", "utf-8"),
        ("no such thing", "utf-8"),
        ("iso-8859-1", "utf-8"),
        ("iso-8859-8-i", "iso-8859-8"),
    ],
)
def test_body_is_read_whatever_charset_was_declared(read: Read, declared: str, actual: str) -> None:
    body = "שלום רב, המדפסת אינה מדפיסה מאז אתמול בבוקר."
    data = HEADERS + f'Content-Type: text/plain; charset="{declared}"\n'.encode()
    data += b"Content-Transfer-Encoding: 8bit\n\n" + body.encode(actual)

    assert body in read(data, "a.eml").sections[0].text


@pytest.mark.parametrize(
    "kind", ["text/plain; charset*=x\0y'en'utf-8", "text/plain; charset", "text", ";;=", ""]
)
def test_body_is_read_under_a_broken_content_type(read: Read, kind: str) -> None:
    data = HEADERS + f"Content-Type: {kind}\n\nIt does not print.".encode()

    assert "It does not print." in read(data, "a.eml").sections[0].text


def test_mail_saved_from_a_mailbox_is_read(read: Read) -> None:
    data = b"From dana@example.org Mon Mar  3 09:30:00 2025\r\n" + mail().replace(b"\n", b"\r\n")

    assert read(data, "a.eml").title == "The printer"


def test_one_stray_byte_does_not_cost_the_letters(read: Read) -> None:
    data = HEADERS + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    data += ("Привет из Москвы. " * 20).encode() + b"\xff"

    assert "Привет из Москвы. Привет" in read(data, "a.eml").sections[0].text


def test_japanese_mail_in_seven_bits_is_read(read: Read) -> None:
    data = (
        HEADERS
        + b"Content-Type: text/plain; charset=iso-2022-jp\n\n"
        + "印刷できません。".encode("iso-2022-jp")
    )

    assert "印刷できません。" in read(data, "a.eml").sections[0].text


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ("=?utf-8?b?16nXnNeV150=?=", "שלום"),
        ("=?utf-8?q?Caf=C3?= =?utf-8?q?=A9_open?=", "Café open"),  # a letter cut in two
        ("Re: =?windows-1251?q?=CF=F0=E8=E2=E5=F2?= again", "Re: Привет again"),
        ("=?x-nonsense?q?Hello?=", "Hello"),
        ("=?utf-8?b?!!!?=", "saved mail"),
        ("folded\n over two lines", "folded over two lines"),
        ("שלום", "שלום"),
    ],
)
def test_subject_is_decoded_however_it_was_written(read: Read, field: str, title: str) -> None:
    data = b"From: a@example.org\nSubject: " + field.encode() + b"\n\nBody."

    assert read(data, "saved_mail.eml").title == title


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="=?utf-8?b?157Xk9eo15nXmi50eHQ=?="',
        "attachment; filename*=utf-8''%D7%9E%D7%93%D7%A8%D7%99%D7%9A.txt",
        "attachment; filename*0*=utf-8''%D7%9E%D7%93; filename*1*=%D7%A8%D7%99%D7%9A.txt",
        'attachment; filename="../../מדריך.txt"',
    ],
)
def test_attachment_names_are_decoded_and_lose_their_folders(read: Read, disposition: str) -> None:
    data = HEADERS + b'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: text/plain\n'
    data += b"Content-Disposition: " + disposition.encode() + b"\n\nHello.\n--a--\n"

    assert read(data, "a.eml").sections[-1].heading == ("מדריך.txt",)


def test_attachment_without_a_name_is_known_by_its_type(read: Read) -> None:
    data = HEADERS + b'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: text/html\n'
    data += b"Content-Disposition: attachment\n\n<p>Hello.</p>\n--a--\n"

    assert read(data, "a.eml").sections[-1].heading == ("attachment-1.html",)


@pytest.mark.parametrize(
    "kind", ['multipart/encrypted; boundary="a"', "application/pkcs7-mime; name=smime.p7m"]
)
def test_sealed_mail_is_called_protected(refusal: Refusal, kind: str) -> None:
    data = HEADERS + f"Content-Type: {kind}\n\n".encode()
    data += b"--a\nContent-Type: application/octet-stream\n\nxx\n--a--\n"

    assert refusal(data, "sealed.eml").code == "encrypted"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"Dear Bob, this is only text.", ""),
        (b"Note: this is only text.", None),
        (b"%PDF-1.7\n...", "pdf"),
        (b"<!DOCTYPE html><html><p>Hi</p></html>", "html"),
        (archive({"a.txt": b"a"}), "zip"),
    ],
)
def test_content_that_is_no_mail_is_refused(refusal: Refusal, data: bytes, found: str | None) -> None:
    error = refusal(data, "not.eml")

    assert (error.code, error.params.get("found")) == ("type_mismatch", found)
