"""The words of a mail's header fields and bodies, whatever they were declared to be encoded in."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from knowledge.extract.clean import clean_line
from knowledge.extract.encoding import decode
from knowledge.extract.refusal import Refused

_STATEFUL = re.compile(r"(?:iso-2022-|utf-7|hz)", re.IGNORECASE)  # other letters written in plain ASCII bytes
_MAX_FIELD = 4000


def header(message: Message, name: str) -> str:
    """Return a header field on one line, its encoded words decoded; empty where there is none.

    The library's own parsed fields fail on some of what real mailers write, so the raw field is read.
    """
    for key, value in message.raw_items():
        if key.casefold() == name:
            return words(str(value))
    return ""


def body_text(part: Message) -> str:
    """Return the text of one text part; its declared charset is tried, not trusted.

    Raises: Refused (type_mismatch, bad_encoding).
    """
    data = part.get_payload(decode=True)
    try:
        charset = part.get_content_charset() or ""
    except ValueError:  # a zero byte in the name of a charset
        charset = ""
    return text_of(data, charset) if isinstance(data, bytes) else ""


def text_of(data: bytes, charset: str) -> str:
    """Decode bytes that were declared to be in `charset`.

    Raises: Refused (type_mismatch, bad_encoding).
    """
    if _STATEFUL.match(charset) and data.isascii():
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            return data.decode("ascii")
    if charset in ("utf-8", "utf8"):
        text = data.decode("utf-8", errors="replace")
        if text.count("\ufffd") <= max(2, len(text) * 0.01):  # a stray byte is no other encoding
            return text
    return decode(data, declared=charset)[0]


def file_name(part: Message) -> str:
    """Return an attachment's own name without any folder before it; empty where it has none."""
    for field in ("content-disposition", "content-type"):
        raw = next((str(value) for key, value in part.raw_items() if key.casefold() == field), "")
        if not raw.isascii():  # the library would put marks in the place of what no header may have
            part.replace_header(field, words(raw))
    try:
        name = words(part.get_filename() or "")
    except (ValueError, TypeError, LookupError):  # a parameter in a charset that does not exist
        name = ""
    return name.replace("\\", "/").rpartition("/")[2].strip()


def words(raw: str) -> str:
    """Return a header's value on one line, its encoded words decoded."""
    raw = " ".join(raw[:_MAX_FIELD].split())
    if not raw.isascii():  # bytes that no header may have, or UTF-8 as newer mailers write it
        raw = _guess(raw.encode("utf-8", errors="surrogateescape"), "")
    try:
        pieces = decode_header(raw)
    except HeaderParseError:
        return clean_line(raw)
    return clean_line("".join(_piece(piece, charset) for piece, charset in pieces))


def _piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return _guess(piece, charset) if charset else piece.decode("raw-unicode-escape")


def _guess(data: bytes, charset: str) -> str:
    try:
        return text_of(data, charset.casefold())
    except Refused:
        return data.decode("utf-8", errors="replace")
