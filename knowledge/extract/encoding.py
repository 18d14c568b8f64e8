"""Bytes of a text file to characters, whatever they were saved in; binary data is told apart."""

from __future__ import annotations

import codecs
import re
import unicodedata

from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 256 * 1024
_WIDE_SHARE = 0.1  # zeros between letters, not strays
_MAX_CONTROL_SHARE = 0.02
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CODEC_NAME = re.compile(r"[A-Za-z0-9._-]{2,30}")


def decode(data: bytes, *, declared: str = "") -> tuple[str, str]:
    """Return (text, encoding); encoding is empty where it was certain, else what was guessed.

    Tried in order: byte order mark, UTF-8, UTF-16 without a mark, `declared` (a web page's own word),
    then a guess by character statistics.
    Raises: Refused (type_mismatch for binary data, bad_encoding).
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding), ""
    sample = data[:_SAMPLE_BYTES]
    if sample.count(0) > len(sample) * _WIDE_SHARE:
        return _wide(data), ""
    utf8 = _strict(data, "utf-8")
    if utf8 is not None:
        return _not_binary(utf8), ""
    if 0 in sample:
        return _wide(data), ""
    if declared and _CODEC_NAME.fullmatch(declared):
        text = _strict(data, declared)
        if text is not None:
            return _not_binary(text), ""
    return _guessed(data)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _marked(data: bytes, encoding: str) -> str:
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding.removesuffix("-le").removesuffix("-be")]
    text = data[: len(data) - len(data) % width].decode(encoding, errors="replace")
    if text.count("\ufffd") > max(2, len(text) * 0.01):
        raise Refused(FailureCode.BAD_ENCODING, f"marked as {encoding}, but is not")
    return _not_binary(text)


def _not_binary(text: str) -> str:
    """Allow a few stray control characters (they are cleaned away later), not a binary's share."""
    sample = text[:_SAMPLE_BYTES]
    if len(_CONTROLS.findall(sample)) > max(1, len(sample) * _MAX_CONTROL_SHARE):
        raise Refused(FailureCode.TYPE_MISMATCH, "control characters", found="binary")
    return text


def _wide(data: bytes) -> str:
    """Read zeros between the letters as UTF-16 without a mark, if that gives plausible text."""
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _strict(data[: len(data) - len(data) % 2], encoding)
        if text is not None and _plausible(text[:_SAMPLE_BYTES]):
            return text
    raise Refused(FailureCode.TYPE_MISMATCH, "zero bytes", found="binary")


def _plausible(text: str) -> bool:
    """Tell text from noise: nearly all assigned characters, with spaces, from few blocks of 256."""
    if not text or "\x00" in text:
        return False
    sample = text[:4096]
    odd = sum(unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc") for character in sample)
    breaks = sum(character in "\t\r\n" for character in sample)
    blocks = {ord(character) >> 8 for character in sample}
    return odd - breaks <= len(sample) * 0.01 and len(blocks) <= 8 + len(sample) // 8 and " " in text


def _guessed(data: bytes) -> tuple[str, str]:
    # Imported here: only the few files in an old encoding need it.
    from charset_normalizer import from_bytes

    controls = sum(data[:_SAMPLE_BYTES].count(bytes([code])) for code in (*range(1, 9), *range(14, 27)))
    if controls > max(1, len(data[:_SAMPLE_BYTES]) * _MAX_CONTROL_SHARE):
        raise Refused(FailureCode.TYPE_MISMATCH, "control characters", found="binary")
    matches = list(from_bytes(data[:_SAMPLE_BYTES]))
    if not matches:
        raise Refused(FailureCode.BAD_ENCODING, "no encoding fits")
    # Old Macintosh encodings differ from the Windows ones in few letters; a near tie goes to Windows.
    best = matches[0]
    rivals = [match for match in matches if not match.encoding.startswith("mac_")]
    near = [
        match for match in rivals if match.chaos <= best.chaos and match.coherence >= best.coherence - 0.1
    ]
    encoding = str(near[0].encoding if near else best.encoding)
    text = data.decode(encoding, errors="replace")
    if text.count("\ufffd") > max(2, len(text) * 0.01):
        raise Refused(FailureCode.BAD_ENCODING, f"{encoding} fits only the beginning")
    return _not_binary(text), encoding
