"""Right-to-left pages of a PDF: from where letters stand on the page back to the order they are read in.

Programs store Hebrew and Arabic in a PDF in different orders (by letter, by word, reversed or not). What they
agree on is where each letter is drawn; so the letters are sorted by place and the bidirectional rules
are undone. PDFium gives the places.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_GOOD_BRACKET = re.compile(r"(?:^|\s)[(\[]\S|\S[)\]](?:\s|[.,;:!?]|$)")
_BAD_BRACKET = re.compile(r"(?:^|\s)[)\]]\S|\S[(\[](?:\s|[.,;:!?]|$)")
_INSIDE_NUMBER = frozenset(".,:/-+")
_BESIDE_NUMBER = frozenset("%$€£₪#+-°")
_WORD_GAP = 0.16  # of the font size; spaces between words are 0.2 and more


@dataclass
class Glyph:
    """One drawn letter with the marks (niqqud, harakat) that sit on it; places in points."""

    text: str
    origin: float
    left: float
    right: float
    baseline: float
    size: float
    marks: list[str] = field(default_factory=list)

    @property
    def whole(self) -> str:
        """Return the letter followed by its marks."""
        return self.text + "".join(self.marks)


def page_text(file: BinaryIO, index: int) -> str:
    """Return page `index` (from 0) in reading order, one printed line a line; empty if PDFium can't."""
    import pypdfium2

    position = file.tell()
    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(file.read())
        try:
            lines = visual_lines(_glyphs(document[index].get_textpage()))
        finally:
            document.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        file.seek(position)
    is_rtl = sum(_direction(glyph) for line in lines for glyph in line) < 0
    text = "\n".join(logical(line, is_rtl=is_rtl) for line in lines)
    return straighten_brackets(text)


def _glyphs(textpage: object) -> list[Glyph]:
    """Return the page's letters; marks are put on the letter they are drawn over."""
    from pypdfium2 import raw

    handle = textpage.raw  # type: ignore[attr-defined]
    glyphs: list[Glyph] = []
    marks: list[Glyph] = []
    x, y = ctypes.c_double(), ctypes.c_double()
    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    for at in range(raw.FPDFText_CountChars(handle)):
        code = raw.FPDFText_GetUnicode(handle, at)
        if (
            raw.FPDFText_IsGenerated(handle, at) == 1
            or code < 32
            or 0xD800 <= code < 0xE000
            or code > 0x10FFFF
        ):
            continue
        raw.FPDFText_GetLooseCharBox(handle, at, box)  # as wide as the letter's advance: no false gaps
        raw.FPDFText_GetCharOrigin(handle, at, x, y)
        raw.FPDFText_GetMatrix(handle, at, matrix)
        size = (raw.FPDFText_GetFontSize(handle, at) * math.hypot(matrix.b, matrix.d)) or 1.0
        glyph = Glyph(chr(code), x.value, min(box.left, x.value), box.right, y.value, size)
        if glyph.text.isspace() and glyph.right <= glyph.left:
            continue  # a space without width is PDFium's own guess; gaps decide
        (marks if unicodedata.combining(chr(code)) else glyphs).append(glyph)
    glyphs = _merged(glyphs)
    for mark in marks:
        _attach(mark, glyphs)
    return glyphs


def _merged(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Make one of letters that are one drawing: lam and alef, in the order they are read in."""
    merged: list[Glyph] = []
    for glyph in glyphs:
        last = merged[-1] if merged else None
        is_same = (
            last is not None
            and abs(last.origin - glyph.origin) < 0.01
            and abs(last.baseline - glyph.baseline) < 0.01
        )
        if last is None or not is_same or _kind(glyph.text) != "R" or glyph.text == last.text:
            merged.append(glyph)
            continue
        last.text = last.text + glyph.text if last.text.startswith("ل") else glyph.text + last.text
        last.left, last.right = min(last.left, glyph.left, last.origin), max(last.right, glyph.right)
    return merged


def _attach(mark: Glyph, glyphs: Sequence[Glyph]) -> None:
    near = [
        glyph
        for glyph in glyphs
        if abs(glyph.baseline - mark.baseline) < mark.size * 0.5 and not glyph.text.isspace()
    ]
    if not near:
        return
    # Letter and mark are often one drawing, whose place PDFium shares out among its characters.
    owner = next((glyph for glyph in near if abs(glyph.origin - mark.origin) < mark.size * 0.01), None)
    if owner is not None:
        owner.left = min(owner.left, owner.origin, mark.left)
        owner.right = max(owner.right, mark.right)
    else:
        centre = (mark.left + mark.right) / 2
        owner = min(near, key=lambda glyph: abs((glyph.left + glyph.right) / 2 - centre))
    owner.marks.append(mark.text)


def visual_lines(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Group letters into printed lines, in the order the page draws them; each line from left to right."""
    lines: list[list[Glyph]] = []
    for glyph in glyphs:
        if lines and abs(lines[-1][-1].baseline - glyph.baseline) <= glyph.size * 0.4:
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    return [sorted(line, key=lambda glyph: glyph.left) for line in lines]


def logical(line: Sequence[Glyph], *, is_rtl: bool) -> str:
    """Return one printed line in reading order: the reverse of laying out bidirectional text."""
    units = _with_spaces(line)
    if not any(_kind(unit) == "R" for unit in units):
        return "".join(units)
    if is_rtl or sum(_kind(unit) == "R" for unit in units) > sum(_kind(unit) == "L" for unit in units):
        units.reverse()
        return "".join(_turn_runs(units, "L"))
    return "".join(_turn_runs(units, "R"))


def _with_spaces(line: Sequence[Glyph]) -> list[str]:
    """Return letters from left to right, with a space where there is a gap."""
    units: list[str] = []
    previous: Glyph | None = None
    for glyph in line:
        gap = glyph.left - previous.right if previous else 0.0
        if glyph.text.isspace():
            if units and units[-1] != " ":
                units.append(" ")
            continue
        if units and units[-1] != " " and gap > glyph.size * _WORD_GAP:
            units.append(" ")
        units.append(glyph.whole)
        previous = glyph
    return units


def _kind(unit: str) -> str:
    """Return R (right to left), L (left to right), E (figure) or N (neutral)."""
    direction = unicodedata.bidirectional(unit[0])
    if direction in ("R", "AL"):
        return "R"
    return {"L": "L", "EN": "E", "AN": "E"}.get(direction, "N")


def _direction(glyph: Glyph) -> int:
    return {"R": -1, "L": 1}.get(_kind(glyph.text), 0)


def _turn_runs(units: list[str], kind: str) -> list[str]:
    """Reverse each run that runs against the line: L with its figures, or R with its neutrals."""
    done: list[str] = []
    at = 0
    while at < len(units):
        end = _run_end(units, at, kind)
        if end > at:
            done.extend(reversed(units[at:end]))
            at = end
        else:
            done.append(units[at])
            at += 1
    return done


def _run_end(units: list[str], start: int, kind: str) -> int:
    """Return where the run that starts here ends (`start` when none starts)."""
    members = ("L", "E") if kind == "L" else ("R",)
    first = start + 1 if kind == "L" and units[start] in _BESIDE_NUMBER else start
    if first >= len(units) or _kind(units[first]) not in members:
        return start
    if first > start and _kind(units[first]) != "E":
        return start
    end, at = first + 1, first + 1
    has_letters = _kind(units[first]) != "E"
    while at < len(units):
        unit_kind = _kind(units[at])
        if unit_kind in members:
            between = units[end:at]
            has_letters = has_letters or unit_kind != "E"
            if not has_letters and any(unit not in _INSIDE_NUMBER for unit in between):
                break
            end = at + 1
        elif unit_kind != "N":
            break
        at += 1
    if kind == "L" and end < len(units) and units[end] in _BESIDE_NUMBER and _kind(units[end - 1]) == "E":
        end += 1
    return end


def straighten_brackets(text: str) -> str:
    """Turn brackets round where the file stores their drawn shape instead of their meaning."""
    if len(_BAD_BRACKET.findall(text)) > len(_GOOD_BRACKET.findall(text)):
        return text.translate(_MIRRORED)
    return text
