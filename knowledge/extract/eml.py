"""Mails: the subject as the title, who wrote when to whom, the text, then the attachments by their readers.

A plain body is preferred to its HTML twin. Quoted replies stay, marked by ">". Nothing is ever fetched.
"""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_binary_file
from email.message import Message
from email.policy import compat32
from itertools import groupby

from knowledge.extract import html
from knowledge.extract.archive import MAX_DEPTH
from knowledge.extract.clean import clean_line, tidy
from knowledge.extract.formats import Source, suffix_of
from knowledge.extract.mail_text import body_text, file_name, header
from knowledge.extract.parts import Parts
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.text import unwrap
from knowledge.extract.types import ExtractedSection, ExtractedText, FailureCode

_FIELDS = ("From", "To", "Cc", "Date")
_SIGNATURES = frozenset(("application/pgp-signature", "application/pkcs7-signature"))
_SEALED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))
_MAX_NESTING = 20


def read(source: Source) -> ExtractedText:
    """Read a mail and what is attached to it; an attachment that cannot be read is named in a warning.

    Raises: Refused (type_mismatch, encrypted, too_complex, too_large).
    """
    # Not the newer policy: its parser of header fields fails on some of what real mailers write.
    message: Message = message_from_binary_file(source.file, policy=compat32)
    if not any(field in message for field in ("From", "To", "Subject", "Date", "Message-ID")):
        raise Refused(FailureCode.TYPE_MISMATCH, "no field of a mail", suffix=suffix_of(source.name))
    return _read_message(message, source)


def _read_message(message: Message, source: Source) -> ExtractedText:
    parts = Parts(source)
    leaves = list(_leaves(message, 0))
    for section in _letter(message, [leaf for leaf in leaves if _is_body(leaf)], parts, source):
        parts.write(section)
    attached = [leaf for leaf in leaves if not _is_body(leaf) and not _is_silent(leaf)]
    for at, leaf in enumerate(attached, start=1):
        _attach(leaf, at, parts, source)
        source.progress(at, len(attached))
    if not any(_is_body(leaf) for leaf in leaves) and not parts.sections[1:] and _is_sealed(message):
        raise Refused(FailureCode.ENCRYPTED, message.get_content_type())
    title = header(message, "subject") or clean_line(source.stem)
    return ExtractedText(title, parts.sections, None, "eml", parts.warnings)


def _leaves(part: Message, depth: int) -> Iterator[Message]:
    """Yield the parts that hold content, in order; of alternatives the one that reads best."""
    if depth > _MAX_NESTING:
        raise Refused(FailureCode.TOO_COMPLEX, "parts nested too deeply")
    children = part.get_payload()
    if part.get_content_maintype() != "multipart" or not isinstance(children, list):
        yield part
        return
    inner = [child for child in children if isinstance(child, Message)]
    is_choice = part.get_content_type() == "multipart/alternative"
    best = min(inner, key=_plainness, default=None)
    for child in inner:
        for leaf in _leaves(child, depth + 1):
            if not is_choice or child is best or _is_named(leaf):
                yield leaf


def _plainness(part: Message) -> int:
    """Rank an alternative: plain text that says something, then HTML (with its pictures or not), then any."""
    kind = part.get_content_type()
    if kind == "text/plain":
        payload = part.get_payload()
        return 0 if isinstance(payload, str) and payload.strip() else 3
    return 1 if kind == "text/html" or part.get_content_maintype() == "multipart" else 2


def _is_body(part: Message) -> bool:
    if part.get_content_type() not in ("text/plain", "text/html"):
        return False
    return not _is_named(part)


def _is_named(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(file_name(part))


def _is_silent(part: Message) -> bool:
    """Tell what a mail program shows without naming it: signatures, receipts, pictures inside the text."""
    kind = part.get_content_type()
    if kind in _SIGNATURES or (part.get_content_maintype() == "message" and kind != "message/rfc822"):
        return True
    is_attached = part.get_content_disposition() == "attachment"
    return not is_attached and (kind == "text/calendar" or "content-id" in part)


def _is_sealed(message: Message) -> bool:
    return any(part.get_content_type() in _SEALED for part in message.walk())


def _letter(
    message: Message, bodies: list[Message], parts: Parts, source: Source
) -> tuple[ExtractedSection, ...]:
    sections = Sections()
    values = ((field, header(message, field.casefold())) for field in _FIELDS)
    sections.paragraph("\n".join(f"{field}: {value}" for field, value in values if value))
    for part in bodies:
        try:
            text = body_text(part)
            if part.get_content_type() == "text/plain":
                _write_plain(text, sections)
            elif text.strip():
                page = io.BytesIO(text.encode("utf-8", errors="replace"))
                for section in html.read(replace(source, file=page)).sections:
                    _copy(section, sections)
        except Refused as exc:
            if exc.code is FailureCode.TOO_LARGE:
                raise
            parts.leave_out(part.get_content_type(), exc)
    return sections.finish()


def _copy(section: ExtractedSection, sections: Sections) -> None:
    """Write a section of a mail's web page, its headings below the mail."""
    sections.leave_headings()
    for level, heading in enumerate(section.heading, start=1):
        sections.heading(level, heading)
    sections.verbatim(section.text)


def _write_plain(text: str, sections: Sections) -> None:
    """Write paragraphs; what is quoted keeps one ">" before each, however often it was quoted."""
    lines = (_unquoted(line) for line in tidy(text).split("\n"))
    for is_quoted, group in groupby(lines, key=lambda line: line[0]):
        block = tidy("\n".join(line for _quoted, line in group))
        for paragraph in block.split("\n\n"):
            for piece in unwrap(paragraph).split("\n\n"):
                sections.paragraph(f"> {piece}" if is_quoted and piece else piece)


def _unquoted(line: str) -> tuple[bool, str]:
    bare = line.lstrip("> ")
    return (True, bare) if line.startswith(">") else (False, line)


def _attach(part: Message, number: int, parts: Parts, source: Source) -> None:
    name = file_name(part)
    if part.get_content_type() == "message/rfc822":
        _forward(part, name, parts, source)
        return
    ending = mimetypes.guess_extension(part.get_content_type()) or ""
    name = name or f"attachment-{number}{ending}"
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        parts.leave_out(name, Refused(FailureCode.CORRUPT, "no content"))
        return
    source.room.take(1, len(data))
    parts.add(name, data)


def _forward(part: Message, name: str, parts: Parts, source: Source) -> None:
    """Read a mail that was attached whole; beyond the nesting allowed it is only named."""
    payload = part.get_payload()
    mail = payload[0] if isinstance(payload, list) and payload else None
    if not isinstance(mail, Message):
        parts.leave_out(name or "message", Refused(FailureCode.CORRUPT, "no content"))
        return
    name = name or header(mail, "subject") or "message"
    if source.depth >= MAX_DEPTH:
        parts.leave_out(name, Refused(FailureCode.TOO_COMPLEX, "mails nested too deeply"))
        return
    source.room.take(1, 0)
    text = _read_message(mail, parts.inner(name, b""))
    if text.sections:
        parts.embed(name, text)
