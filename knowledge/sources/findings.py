"""What a look at a source found, address by address: what crawl and folder tell syncing."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol

from knowledge.models import SourceEntry
from knowledge.sources.errors import SourceError


class Kind(StrEnum):
    """What became of one address."""

    CONTENT = "content"
    SAME = "same"  # without looking into it: the server or the clock of the file says so
    LEFT_OUT = "left_out"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Content:
    """What stands at an address. digest: equal where the text is, whatever surrounds it."""

    name: str
    file: BinaryIO
    digest: str
    etag: str = ""
    modified: str = ""
    links: tuple[str, ...] = ()
    size_bytes: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One address. why: of one that was not read."""

    kind: Kind
    address: str
    content: Content | None = None
    why: SourceError | None = None


@dataclass(slots=True)
class Tally:
    """How far a look is, and how it stands. is_complete: everything was seen, so what is missing is gone."""

    found: int = 0
    looked_at: int = 0
    is_complete: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """Add one."""
        self.counts[what] = self.counts.get(what, 0) + 1


class Memory(Protocol):
    """What earlier looks left behind; a `knowledge.sources.ledger.Ledger` is one."""

    def entry(self, address: str) -> SourceEntry | None:
        """Return what is known of an address."""
        ...

    def holding(self) -> list[str]:
        """Return the addresses that have a document."""
        ...
