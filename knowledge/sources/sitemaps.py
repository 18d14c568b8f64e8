"""The list of pages a site publishes itself, if there is one. No XML parser: only its addresses count."""

import html
import re
from collections.abc import Iterator
from itertools import islice

from knowledge.sources.addresses import NotAnAddress, WebAddress
from knowledge.sources.errors import RunStopped, SourceError
from knowledge.sources.visiting import Visitor

MOST_FILES = 5
MOST_ADDRESSES = 5000
MOST_LISTED = 50_000  # of one file, other sites' addresses included
LONGEST_ENTRY = 1200  # characters of one address as it is written in the file
_INDEX = re.compile(r"<sitemapindex[\s>]")


def listed_pages(start: WebAddress, visitor: Visitor) -> Iterator[WebAddress]:
    """Yield the addresses of a site's own list that are on the site. Raises: RunStopped."""
    named = visitor.robots_of(start).sitemaps or ("/sitemap.xml",)
    files = [found for text in named if (found := _join(start, text)) is not None]
    seen: set[WebAddress] = set()
    count = 0
    while files and len(seen) < MOST_FILES:
        file = files.pop(0)
        if file in seen:
            continue
        seen.add(file)
        text = _read(file, visitor)
        is_index = bool(_INDEX.search(text[:2000]))
        for written in islice(_locations(text), MOST_LISTED):
            address = _join(start, written)
            if address is None or address.netloc != start.netloc:
                continue
            if is_index:
                files.append(address)
            elif count < MOST_ADDRESSES:
                count += 1
                yield address


def _locations(text: str) -> Iterator[str]:
    """Yield what stands in the file's <loc> elements; one pass, whatever it holds."""
    at, end = 0, text.find("</loc>")
    while end >= 0:
        start = text.rfind("<loc>", at, end)
        if start >= 0 and end - start <= LONGEST_ENTRY:
            written = text[start + 5 : end].strip().removeprefix("<![CDATA[").removesuffix("]]>").strip()
            yield html.unescape(written)
        at = end + 6
        end = text.find("</loc>", at)


def _read(file: WebAddress, visitor: Visitor) -> str:
    try:
        return visitor.read(file, anew=True).body.decode("utf-8", errors="replace")
    except RunStopped:
        raise
    except SourceError:  # most sites have none, and pages are found by their links too
        return ""


def _join(start: WebAddress, text: str) -> WebAddress | None:
    try:
        return start.join(text)
    except NotAnAddress:
        return None
