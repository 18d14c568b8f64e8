"""Read pages as a good guest does: robots.txt first, pauses between requests, nothing twice that stayed."""

import time
from collections.abc import Mapping

from knowledge.sources.addresses import WebAddress
from knowledge.sources.connecting import Deadline, ShouldStop, allowed, check_port, checked_addresses
from knowledge.sources.errors import (
    BadAddress,
    BadAnswer,
    Forbidden,
    HostUnknown,
    InternalAddress,
    NotTrusted,
    OddStatus,
    OtherSite,
    PageGone,
    PortRefused,
    RobotsRefuse,
    RobotsUnknown,
    RunStopped,
    ServerFailing,
    TooBig,
    TooManyRedirects,
    TooSlow,
    Unreachable,
)
from knowledge.sources.fetching import CONNECT_S, Fetched, TakesType, ask_nothing, fetch, take_any
from knowledge.sources.findings import Memory
from knowledge.sources.robots import MOST_BYTES, Robots, read_robots

PAUSE_S = 0.5  # between two requests, where the site names no other pause
_STEP_S = 0.2


class Visitor:
    """Reads pages for one look at one source. hosts: the only ones to read from; None for any."""

    def __init__(self, memory: Memory, should_stop: ShouldStop, hosts: frozenset[str] | None = None) -> None:
        """Begin a look."""
        self.hosts = hosts
        self._memory = memory
        self._should_stop = should_stop
        self._robots: dict[str, Robots] = {}
        self._last_at = 0.0

    def read(self, address: WebAddress, takes: TakesType = take_any, *, anew: bool = False) -> Fetched:
        """Read a page; one that did not change since the last look comes without a body.

        anew: ask for the body in any case. Raises: SourceError.
        """
        return fetch(
            address,
            may_visit=self._enter,
            asks=ask_nothing if anew else self._validators,
            takes=takes,
            should_stop=self._should_stop,
        )

    def robots_of(self, address: WebAddress) -> Robots:
        """Return what a server's robots.txt asks. Raises: RobotsUnknown, and what leads to no server."""
        if address.netloc not in self._robots:
            self._robots[address.netloc] = self._fetch_robots(address)
        return self._robots[address.netloc]

    def _fetch_robots(self, address: WebAddress) -> Robots:
        asked: list[WebAddress] = []
        file = address.at("/robots.txt")
        try:
            answer = fetch(
                file, may_visit=asked.append, should_stop=self._should_stop, enough_bytes=MOST_BYTES
            )
        except (PageGone, Forbidden, OddStatus, TooManyRedirects):  # there is none: nothing is asked of us
            return Robots()
        except (ServerFailing, BadAnswer, BadAddress, TooBig) as exc:
            raise RobotsUnknown(str(exc)) from exc
        except (InternalAddress, HostUnknown, PortRefused, NotTrusted, TooSlow, Unreachable) as exc:
            was_led_on = len(asked) > 1 or (asked and isinstance(exc, PortRefused))
            if was_led_on:
                raise RobotsUnknown(str(exc)) from exc
            raise  # it is of the site itself, and not of its robots.txt alone
        return read_robots(answer.body)

    def _enter(self, address: WebAddress) -> None:
        """Refuse what is not ours to read, and wait for our turn. Raises: SourceError."""
        if self.hosts is not None and address.netloc not in self.hosts:
            raise OtherSite(str(address))
        robots = self.robots_of(address)
        if not robots.allows(address.target):
            raise RobotsRefuse(str(address))
        self._wait(self._pause_s(address) if robots.delay_s is None else robots.delay_s)

    def _pause_s(self, address: WebAddress) -> float:
        """The house's own servers, which the operator named, are asked without a pause."""
        return 0.0 if allowed().names(address.bare_host) else PAUSE_S

    def _wait(self, pause_s: float) -> None:
        while (left := self._last_at + pause_s - time.monotonic()) > 0:
            if self._should_stop():
                raise RunStopped()
            time.sleep(min(left, _STEP_S))
        self._last_at = time.monotonic()

    def _validators(self, address: WebAddress) -> Mapping[str, str]:
        entry = self._memory.entry(str(address))
        if entry is None or entry.document_id is None:
            return {}
        headers = {"If-None-Match": entry.etag, "If-Modified-Since": entry.modified}
        return {name: value for name, value in headers.items() if value}


def check_leads_somewhere(address: WebAddress) -> None:
    """Say at once, before a source is kept, that an address is refused. Raises: SourceError."""
    check_port(address)
    checked_addresses(address, Deadline(CONNECT_S, lambda: False))
