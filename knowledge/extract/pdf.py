"""PDF: text page by page, headings where the outline names them, running heads removed.

Pages without letters of their own, or with letters nobody can decode, go to text recognition if there is any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pypdf import PageObject, PdfReader
from pypdf.errors import LimitReachedError, PyPdfError
from pypdf.generic import Destination

from knowledge.extract.clean import clean_line, garbage_share, tidy
from knowledge.extract.formats import Source
from knowledge.extract.lines import paragraphs
from knowledge.extract.pdf_scan import Scans, pictures_of, scan_page, stamped_scan
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.types import ExtractedText, FailureCode

MAX_PAGES = 5000
MAX_OUTLINE = 3000
_MAX_GARBAGE = 0.3
_MIN_KEPT = 0.2
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_DIGITS = re.compile(r"\d+")
_NUMBERING = re.compile(r"^(?:chapter\s+)?[\d.]+\s*[:.)-]?\s*", re.IGNORECASE)
_MADE_BY = re.compile(r"^(?:Microsoft \w+ - )|\.(?:docx?|pdf|indd|tex|dvi|html?)$|^untitled$", re.IGNORECASE)


@dataclass
class _Pages:
    """The lines of every page, and how many pages are broken or undecodable; pictures are counted apart."""

    lines: list[list[str]] = field(default_factory=list)
    broken: int = 0
    garbled: int = 0
    scans: Scans = field(default_factory=Scans)


@dataclass(frozen=True)
class OutlineEntry:
    """One bookmark: where a heading starts."""

    level: int
    title: str
    page: int


def read(source: Source) -> ExtractedText:
    """Read a PDF.

    Raises: Refused (encrypted, corrupt, no_text, too_complex, too_large, timeout).
    """
    reader = _open(source)
    pages = _read_pages(reader, source)
    if not any(pages.lines):
        _refuse_without_text(pages)
    outline = _outline(reader)
    sections = Sections()
    for index, lines in enumerate(without_running_heads(pages.lines)):
        sections.page(index + 1)
        _write_page(sections, lines, [entry for entry in outline if entry.page == index])
    warnings = pages.scans.warnings
    if pages.broken + pages.garbled:
        warnings.append(f"pages_unreadable:{pages.broken + pages.garbled}")
    return ExtractedText(_title(reader, source), sections.finish(), len(pages.lines), "pdf", tuple(warnings))


def _open(source: Source) -> PdfReader:
    try:
        reader = PdfReader(source.file, strict=False)
        # Many files are locked only against printing: the empty password opens them.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused(FailureCode.ENCRYPTED)
        count = len(reader.pages)
    except LimitReachedError as exc:
        raise Refused(FailureCode.TOO_COMPLEX, str(exc)) from exc
    except PyPdfError as exc:
        raise Refused(FailureCode.CORRUPT, f"PDF: {exc}") from exc
    if count == 0:
        raise Refused(FailureCode.CORRUPT, "no pages")
    if count > MAX_PAGES:
        raise Refused(FailureCode.TOO_LARGE, limit=MAX_PAGES, unit="pages")
    return reader


def _read_pages(reader: PdfReader, source: Source) -> _Pages:
    pages = _Pages()
    count = len(reader.pages)
    for index in range(count):
        lines: list[str] = []
        try:
            lines = _page_lines(reader.pages[index], index, source, pages)
        except (LimitReachedError, MemoryError, RecursionError) as exc:
            raise Refused(FailureCode.TOO_COMPLEX, f"page {index + 1}: {exc!r}") from exc
        except Exception:  # noqa: BLE001 - parsers fail in every way; one page must not cost the others
            pages.broken += 1
        pages.lines.append(lines)
        source.progress(index + 1, count)
    return pages


def _page_lines(page: PageObject, index: int, source: Source, pages: _Pages) -> list[str]:
    """Return the lines of one page, recognised where it has no letters; count what is in the way."""
    raw = page.extract_text()
    is_garbled = garbage_share(raw) > _MAX_GARBAGE
    if not is_garbled and raw.strip():
        lines = _lines(raw, source, index)
        return stamped_scan(lines, page, index, source, pages.scans) or lines
    if not is_garbled and not _has_picture(page):
        return []
    if is_garbled and (source.recogniser is None or source.recogniser.is_over):
        pages.garbled += 1
        return []
    return scan_page(source, index, pages.scans)


def _lines(raw: str, source: Source, index: int) -> list[str]:
    if len(_RTL.findall(raw)) > len(raw) * 0.05:
        from knowledge.extract.pdf_rtl import page_text

        raw = page_text(source.file, index) or raw
    return [line.strip() for line in tidy(raw).split("\n")]


def _has_picture(page: PageObject) -> bool:
    return any(kind in ("/Image", "/Form") for kind, _pixels in pictures_of(page))


def _refuse_without_text(pages: _Pages) -> None:
    count = len(pages.lines)
    if pages.broken > count / 2:
        raise Refused(FailureCode.CORRUPT, f"{pages.broken} of {count} pages fail")
    if pages.garbled:
        raise Refused(
            FailureCode.NO_TEXT, f"{pages.garbled} of {count} pages without a character map", reason="glyphs"
        )
    pages.scans.refuse(count)
    raise Refused(FailureCode.NO_TEXT)


def without_running_heads(pages: Sequence[list[str]]) -> list[list[str]]:
    """Remove lines that stand at the top or foot of most pages; a page number in them may count up.

    Documents under three pages stay whole, and so do those that would lose nearly all their text:
    there a repeated line may well be content.
    """
    edges = [_edges(lines) for lines in pages]
    counts: Counter[str] = Counter()
    for index, (lines, positions) in enumerate(zip(pages, edges, strict=True)):
        counts.update({shape for at in positions for shape in _shapes(lines[at], index)})
    needed = max(3, sum(bool(lines) for lines in pages) * 0.6)
    kept: list[list[str]] = []
    for index, (lines, positions) in enumerate(zip(pages, edges, strict=True)):
        running = {
            at for at in positions if any(counts[shape] >= needed for shape in _shapes(lines[at], index))
        }
        kept.append([line for at, line in enumerate(lines) if at not in running])
    return kept if _size(kept) > _size(pages) * _MIN_KEPT else list(pages)


def _edges(lines: Sequence[str]) -> set[int]:
    filled = [at for at, line in enumerate(lines) if line]
    return {at for at in (*filled[:2], *filled[-2:]) if len(lines[at]) <= 120}


def _shapes(line: str, index: int) -> set[str]:
    """Return the line as it is, and with its first or last number counted from the page's own."""
    numbers = list(_DIGITS.finditer(line))[:: max(1, len(_DIGITS.findall(line)) - 1)]
    counted = {f"{line[: n.start()]}#{int(n[0][:9]) - index}{line[n.end() :]}" for n in numbers}
    return {line, *counted}


def _size(pages: Sequence[Sequence[str]]) -> int:
    return sum(len(line) for lines in pages for line in lines)


def _outline(reader: PdfReader) -> list[OutlineEntry]:
    """Return the bookmarks in order; a broken outline counts as none."""
    entries: list[OutlineEntry] = []
    try:
        for level, destination in _bookmarks(reader.outline, 1):
            page = reader.get_destination_page_number(destination)
            title = clean_line(str(destination.title or ""))
            if title and page is not None and garbage_share(title) == 0:
                entries.append(OutlineEntry(level, title, page))
            if len(entries) >= MAX_OUTLINE:
                break
    except LimitReachedError as exc:
        raise Refused(FailureCode.TOO_COMPLEX, f"outline: {exc}") from exc
    except Exception:  # noqa: BLE001 - the text is worth more than its bookmarks
        return []
    return entries


def _bookmarks(outline: Sequence[object], level: int) -> Iterator[tuple[int, Destination]]:
    for item in outline:
        if isinstance(item, list):
            if level < 20:
                yield from _bookmarks(item, level + 1)
        elif isinstance(item, Destination):
            yield level, item


def _write_page(sections: Sections, lines: list[str], entries: Sequence[OutlineEntry]) -> None:
    start = 0
    for entry in entries:
        at, length = _find_title(lines, start, entry.title)
        _write_lines(sections, lines[start:at])
        sections.heading(entry.level, entry.title)
        start = at + length
    _write_lines(sections, lines[start:])


def _write_lines(sections: Sections, lines: list[str]) -> None:
    for paragraph in paragraphs(lines):
        sections.paragraph(paragraph)


def _find_title(lines: list[str], start: int, title: str) -> tuple[int, int]:
    """Return (index, number of lines) of a heading on its page; (start, 0) where it is not printed."""
    wanted = _folded(title)
    for at in range(start, len(lines)):
        for length in (1, 2, 3):
            if lines[at] and _folded(" ".join(lines[at : at + length])) == wanted:
                return at, length
    return start, 0


def _folded(title: str) -> str:
    return "".join(_NUMBERING.sub("", title).casefold().split())


def _title(reader: PdfReader, source: Source) -> str:
    try:
        title = clean_line(str((reader.metadata and reader.metadata.title) or ""))
    except Exception:  # noqa: BLE001 - broken metadata is no reason to lose the text
        title = ""
    if not title or _MADE_BY.search(title) or garbage_share(title) > 0:
        return clean_line(source.stem)
    return title[:200]
