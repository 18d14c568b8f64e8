"""Look at a web page, or at a web site page by page. What is found is told address by address."""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from knowledge.models import Source, SourceKind
from knowledge.sources import addresses
from knowledge.sources.addresses import NotAnAddress, WebAddress
from knowledge.sources.connecting import ShouldStop
from knowledge.sources.errors import (
    BadAddress,
    LedOn,
    NotIndexed,
    OverLimit,
    PageGone,
    RobotsUnknown,
    RunStopped,
    ServerFailing,
    SourceError,
)
from knowledge.sources.fetching import Fetched
from knowledge.sources.findings import Content, Finding, Kind, Memory, Tally
from knowledge.sources.naming import check_type, file_name, is_worth_asking, readable_body
from knowledge.sources.pages import Look, addresses_in, look_at
from knowledge.sources.sitemaps import listed_pages
from knowledge.sources.visiting import Visitor

MOST_FAILURES = 5  # one after the other: then the server has a problem, and is left alone
MOST_TOLD = 200  # of those over the limit
MOST_WAITING = 20_000
ASKED_A_PAGE = 4  # requests for each page that may be kept: the others lead to nothing, or say no


def first_page(source: Source) -> WebAddress:
    """Return where a source begins. Raises: BadAddress."""
    try:
        return addresses.parse(source.address)
    except NotAnAddress as exc:
        raise BadAddress(source.address) from exc


def look(source: Source, memory: Memory, tally: Tally, should_stop: ShouldStop) -> Iterator[Finding]:
    """Read what is new or changed, and tell of each address what became of it.

    A page that nothing leads to any more is asked for too: only the server's word that it is gone counts.
    Raises: SourceError when the first page cannot be read, or the server fails again and again.
    """
    start = first_page(source)
    if source.kind == SourceKind.PAGE:
        yield from _Crawl(Visitor(memory, should_stop), source, memory, tally, should_stop).page(start)
    else:
        visitor = Visitor(memory, should_stop, hosts=frozenset({start.netloc, start.sibling}))
        yield from _Crawl(visitor, source, memory, tally, should_stop).site(start)


class _Crawl:
    """One look at one source."""

    def __init__(
        self, visitor: Visitor, source: Source, memory: Memory, tally: Tally, should_stop: ShouldStop
    ) -> None:
        self._visitor = visitor
        self._source = source
        self._memory = memory
        self._tally = tally
        self._should_stop = should_stop
        self._host = ""
        self._waiting: deque[tuple[WebAddress, int]] = deque()
        self._known: set[str] = set()  # places that wait, or were asked for
        self._told: set[str] = set()  # addresses that a finding was about
        self._kept = 0
        self._in_a_row = 0
        self._has_failed = False

    def page(self, start: WebAddress) -> Iterator[Finding]:
        """Look at one page."""
        finding, _links = self._visit(start)
        if finding.kind in {Kind.FAILED, Kind.LEFT_OUT} and finding.why is not None:
            raise finding.why
        self._tally.found = self._tally.looked_at = 1
        yield replace(finding, address=str(start))  # wherever it leads to, it is the page that was asked for
        self._tally.is_complete = True

    def site(self, start: WebAddress) -> Iterator[Finding]:
        """Look at a site, the first page first; where that leads, with or without www, is the site."""
        first, links = self._visit(start)
        if first.why is not None and not isinstance(first.why, NotIndexed):
            raise first.why
        start = addresses.parse(first.address)
        self._host = start.netloc
        self._visitor.hosts = frozenset({self._host})
        yield self._tell(first)
        self._add((address, 1) for address in links)
        if self._source.depth:
            self._add((address, 1) for address in listed_pages(start, self._visitor))
        most_asked = self._source.page_limit * ASKED_A_PAGE + MOST_TOLD
        while self._waiting and self._kept < self._source.page_limit and self._tally.looked_at < most_asked:
            yield from self._next()
        yield from self._beyond()
        yield from self._unmet()
        self._tally.is_complete = not self._has_failed

    def _add(self, found: Iterable[tuple[WebAddress, int]]) -> None:
        for address, depth in found:
            is_ours = address.netloc == self._host and depth <= self._source.depth
            if is_ours and address.place not in self._known and is_worth_asking(address):
                if len(self._waiting) >= MOST_WAITING:
                    return
                self._known.add(address.place)
                self._waiting.append((address, depth))
        self._tally.found = self._tally.looked_at + len(self._waiting)

    def _next(self) -> Iterator[Finding]:
        address, depth = self._waiting.popleft()
        finding, links = self._visit(address)
        if finding.address not in self._told:
            yield self._tell(finding)
        self._add((link, depth + 1) for link in links)

    def _tell(self, finding: Finding) -> Finding:
        self._told.add(finding.address)
        self._kept += finding.kind in {Kind.CONTENT, Kind.SAME}
        self._tally.looked_at += 1
        self._tally.found = self._tally.looked_at + len(self._waiting)
        return finding

    def _beyond(self) -> Iterator[Finding]:
        """Tell of what the limit leaves out; pages that have a document are looked at still."""
        holding = set(self._memory.holding())
        over = [address for address, _depth in self._waiting if str(address) not in holding]
        self._waiting.clear()
        for address in islice(over, MOST_TOLD):
            yield Finding(Kind.LEFT_OUT, str(address), why=OverLimit())

    def _unmet(self) -> Iterator[Finding]:
        """Ask for the pages that have a document and were not met."""
        unmet = [address for address in self._memory.holding() if address not in self._told]
        self._tally.found += len(unmet)
        for text in unmet:
            finding, _links = self._visit(addresses.parse(text))
            if finding.address not in self._told:
                yield self._tell(finding)
            if finding.address != text:
                yield self._tell(Finding(Kind.LEFT_OUT, text, why=LedOn()))

    def _visit(self, address: WebAddress) -> tuple[Finding, tuple[WebAddress, ...]]:
        """Read one page. Raises: SourceError when the look cannot go on."""
        self._known.add(address.place)
        try:
            fetched = self._visitor.read(address, takes=check_type)
        except (RunStopped, RobotsUnknown):
            raise
        except PageGone as exc:
            self._in_a_row = 0
            return Finding(Kind.GONE, str(address), why=exc), ()
        except SourceError as exc:
            return self._refused(address, exc), ()
        self._in_a_row = 0
        self._known.add(fetched.address.place)
        if fetched.is_unchanged:
            return Finding(Kind.SAME, str(fetched.address)), self._links_before(fetched.address)
        look = look_at(fetched, self._should_stop)
        links = addresses_in(look, fetched.address) if look.may_be_followed else ()
        if not look.may_be_kept:
            return Finding(Kind.LEFT_OUT, str(fetched.address), why=NotIndexed()), links
        return Finding(Kind.CONTENT, str(fetched.address), content=_content(fetched, look, links)), links

    def _refused(self, address: WebAddress, error: SourceError) -> Finding:
        if not error.retryable:
            self._in_a_row = 0
            return Finding(Kind.LEFT_OUT, str(address), why=error)
        self._has_failed = True
        self._in_a_row += 1
        if self._in_a_row >= MOST_FAILURES:
            raise ServerFailing(str(error)) from error
        return Finding(Kind.FAILED, str(address), why=error)

    def _links_before(self, address: WebAddress) -> tuple[WebAddress, ...]:
        """Return where a page that did not change led to."""
        entry = self._memory.entry(str(address))
        return tuple(addresses.parse(str(link)) for link in entry.links) if entry else ()


def _content(fetched: Fetched, look: Look, links: tuple[WebAddress, ...]) -> Content:
    return Content(
        name=file_name(fetched),
        file=io.BytesIO(readable_body(fetched)),
        digest=look.digest,
        etag=fetched.etag,
        modified=fetched.modified,
        links=tuple(str(link) for link in links),
    )
