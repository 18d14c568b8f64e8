"""What is known of each address of one source, and what a look writes down about it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from knowledge.models import EntryState, Source, SourceEntry
from knowledge.sources.findings import Content

TOLD = ["state", "change", "code", "params", "checked_at"]


class Ledger:
    """The entries of one source during one look, which began at `began_at`."""

    def __init__(self, source: Source, began_at: datetime) -> None:
        """Load what earlier looks left."""
        self._source = source
        self._began_at = began_at
        self._entries: dict[str, SourceEntry] = {}
        self._by_digest: defaultdict[str, list[SourceEntry]] = defaultdict(list)
        for entry in source.entries.select_related("document"):
            self._entries[entry.key] = entry
            self._by_digest[entry.digest].append(entry)

    def entry(self, address: str) -> SourceEntry | None:
        """Return what is known of an address."""
        return self._entries.get(SourceEntry.key_of(address))

    def holding(self) -> list[str]:
        """Return the addresses that have a document."""
        return sorted(entry.address for entry in self._entries.values() if entry.document_id)

    def open(self, address: str) -> SourceEntry:
        """Return the entry of an address, a new one where there is none yet; it is not saved by this."""
        key = SourceEntry.key_of(address)
        if key not in self._entries:
            self._entries[key] = SourceEntry(
                source=self._source, key=key, address=address, checked_at=self._began_at
            )
        return self._entries[key]

    def twin(self, address: str, digest: str) -> SourceEntry | None:
        """Return another entry with a document that says the same."""
        others = (entry for entry in self._saying(digest) if entry.address != address)
        return next((entry for entry in others if entry.document_id), None)

    def heir(self, leaving: SourceEntry, code: str) -> SourceEntry | None:
        """Return an entry of this look that was left out for saying the same as one that is leaving."""
        fresh = (entry for entry in self._saying(leaving.digest) if entry.checked_at == self._began_at)
        return next((entry for entry in fresh if entry.code == code and not entry.document_id), None)

    def _saying(self, digest: str) -> Iterator[SourceEntry]:
        """Yield the entries with a digest; the index also holds what an entry said before."""
        if digest:
            yield from (entry for entry in self._by_digest[digest] if entry.digest == digest)

    def say(self, entry: SourceEntry, digest: str) -> None:
        """Note what stands at an address."""
        entry.digest = digest
        self._by_digest[digest].append(entry)

    def met(self, *states: EntryState) -> list[SourceEntry]:
        """Return the entries of this look in these states."""
        return [
            entry
            for entry in self._entries.values()
            if entry.checked_at == self._began_at and entry.state in states
        ]

    def tell(
        self, entry: SourceEntry, state: EntryState, *, change: str = "", code: str = "", **params: str
    ) -> None:
        """Write down what became of an address."""
        entry.state, entry.change, entry.code, entry.params = state, change, code, params
        entry.checked_at = self._began_at
        entry.save(update_fields=TOLD if entry.pk else None)

    def keep(self, entry: SourceEntry, content: Content, *, change: str) -> None:
        """Write down what stands at an address now."""
        self.say(entry, content.digest)
        entry.etag, entry.modified = content.etag, content.modified
        entry.size_bytes, entry.mtime_ns = content.size_bytes, content.mtime_ns
        entry.links = list(content.links)
        entry.state, entry.change, entry.code, entry.params = EntryState.READ, change, "", {}
        entry.was_added, entry.checked_at = True, self._began_at
        entry.save()

    def forget_unmet(self) -> None:
        """Drop what this look did not come across and what has no document."""
        unmet = self._source.entries.filter(document=None).exclude(checked_at=self._began_at)
        unmet.exclude(was_added=True).delete()
