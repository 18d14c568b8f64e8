"""Pages of a PDF that are pictures: what text recognition made of them, and how that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pypdf import PageObject
from pypdf.generic import DictionaryObject

from knowledge.extract.formats import Source
from knowledge.extract.ocr import PageFailed, PageTimedOut
from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

_STAMP_LETTERS = 60  # a page number, "scanned by …", a fax head
_LARGE_PIXELS = 500_000  # a page at 75 dots per inch
_MORE = 3  # times as many letters as the stamp has


@dataclass
class Scans:
    """How the pages that are pictures ended. Page numbers count from 1.

    recognised: text was found. unread: nobody tried, or recognition had given up. empty: no text was found.
    failed: recognition failed on these pages, on `timeouts` of them because it took too long. scripts: those
    seen that no installed language is written in. detail: the first failure, for the log.
    """

    recognised: int = 0
    unread: int = 0
    empty: int = 0
    failed: list[int] = field(default_factory=list)
    timeouts: int = 0
    scripts: list[str] = field(default_factory=list)
    detail: str = ""

    @property
    def warnings(self) -> list[str]:
        """Return a warning for each of these that happened."""
        found = []
        if self.recognised:
            found.append(f"pages_recognised:{self.recognised}")
        if self.unread:
            found.append(f"pages_are_pictures:{self.unread}")
        if self.empty:
            found.append(f"pages_without_text:{self.empty}")
        if self.failed:
            found.append(f"pages_failed:{ranges(self.failed)}")
        found += [f"script_unknown:{script}" for script in dict.fromkeys(self.scripts)]
        return found

    def refuse(self, pages: int) -> None:
        """Refuse a document of which no page has text, if pictures are why.

        Raises: Refused (no_text, timeout).
        """
        pictures = self.unread + self.empty + len(self.failed)
        if not pictures:
            return
        if self.failed and self.timeouts == len(self.failed):
            raise Refused(FailureCode.TIMEOUT, self.detail)
        params: dict[str, str | int] = {"pictures": pictures, "pages": pages}
        if self.failed:
            params["reason"] = "recognition_failed"
        elif self.empty:
            params["reason"] = "recognised_nothing"
        if self.scripts:
            params["script"] = self.scripts[0]
        raise Refused(FailureCode.NO_TEXT, self.detail, **params)


def scan_page(source: Source, index: int, scans: Scans) -> list[str]:
    """Return the recognised lines of page `index` (from 0), and count how it ended.

    Paragraphs are parted by empty lines.
    """
    if source.recogniser is None or source.recogniser.is_over:
        scans.unread += 1
        return []
    try:
        reading = source.recogniser.read(_whole(source), index)
    except PageFailed as exc:
        scans.failed.append(index + 1)
        scans.timeouts += isinstance(exc, PageTimedOut)
        scans.detail = scans.detail or f"page {index + 1}: {exc}"
        return []
    scans.recognised += bool(reading.lines)
    scans.empty += not reading.lines
    if reading.unknown_script:
        scans.scripts.append(reading.unknown_script)
    return reading.lines


def stamped_scan(
    lines: Sequence[str], page: PageObject, index: int, source: Source, scans: Scans
) -> list[str]:
    """Return the recognised lines of a scan whose only letters are a stamp; none for any other page."""
    letters = _letters(lines)
    recogniser = source.recogniser
    if letters > _STAMP_LETTERS or recogniser is None or recogniser.is_over or not _has_large_image(page):
        return []
    tried = Scans()
    found = scan_page(source, index, tried)
    if _letters(found) < _MORE * letters:
        return []
    scans.recognised += 1
    return found


def pictures_of(page: PageObject) -> list[tuple[str, int]]:
    """Return kind ("/Image" or "/Form") and pixels of what a page places on itself."""
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    if objects is None:
        return []
    items = [item.get_object() for item in objects.get_object().values()]
    return [(str(item.get("/Subtype")), _pixels(item)) for item in items]


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text for people: "3, 7–9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _has_large_image(page: PageObject) -> bool:
    return any(kind == "/Image" and pixels >= _LARGE_PIXELS for kind, pixels in pictures_of(page))


def _pixels(item: DictionaryObject) -> int:
    width, height = item.get("/Width"), item.get("/Height")
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


def _letters(lines: Sequence[str]) -> int:
    return sum(character.isalnum() for line in lines for character in line)


def _whole(source: Source) -> bytes:
    """Return all bytes; the parser's place in the file stays."""
    position = source.file.tell()
    source.file.seek(0)
    try:
        return source.file.read()
    finally:
        source.file.seek(position)
