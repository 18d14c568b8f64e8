"""The process that looks into a web page for its links: `python -m knowledge.sources.page_child PATH NAME`.

As with documents (knowledge/extract/child.py): pages are hostile until proven otherwise. No Django here.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from lxml import etree

from knowledge.extract import html
from knowledge.extract.child import Channel, serve
from knowledge.extract.formats import Source
from knowledge.sources.robots import PRODUCT

MOST_LINKS = 2000
LONGEST_LINK = 1000


def look(file: BinaryIO, name: str, channel: Channel) -> Mapping[str, object]:
    """Return the links of a page, what it says to programs, and a digest of its main text."""
    text, _encoding = html.page_text(file.read())
    root = html.parse_page(text)
    base = root.find(".//base[@href]")
    file.seek(0)
    extracted = html.read(Source(file, name, channel.progress))
    digest = hashlib.sha256(extracted.title.encode())
    for section in extracted.sections:
        digest.update("\0".join(("", *section.heading, section.text)).encode())
    return {
        "base": str(base.get("href", ""))[:LONGEST_LINK] if base is not None else "",
        "robots": _robots(root),
        "links": list(_links(root)),
        "digest": digest.hexdigest() if extracted.sections else "",
    }


def _robots(root: etree._Element) -> str:
    named = (
        str(meta.get("content", "")).lower()
        for meta in root.iter("meta")
        if str(meta.get("name", "")).lower() in {"robots", PRODUCT}
    )
    return ",".join(named)[:500]


def _links(root: etree._Element) -> Iterator[str]:
    """Yield where the page's links lead, once each, without those it does not vouch for."""
    seen: set[str] = set()
    for link in root.iter("a", "area"):
        href = str(link.get("href", "")).strip()
        is_vouched = "nofollow" not in str(link.get("rel", "")).lower().split()
        if href and is_vouched and href not in seen and len(href) <= LONGEST_LINK:
            seen.add(href)
            yield href
            if len(seen) >= MOST_LINKS:
                return


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:], look))
