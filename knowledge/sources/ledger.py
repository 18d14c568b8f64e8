"""What is known of each address of one source, and what a look writes down about it."""

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
        self._entries = {entry.key: entry for entry in source.entries.all()}

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
        return next(
            (
                entry
                for entry in self._entries.values()
                if digest and entry.digest == digest and entry.document_id and entry.address != address
            ),
            None,
        )

    def heir(self, leaving: SourceEntry, code: str) -> SourceEntry | None:
        """Return an entry of this look that was left out for saying the same as one that is leaving."""
        return next(
            (
                entry
                for entry in self._entries.values()
                if entry.code == code
                and entry.digest == leaving.digest
                and entry.checked_at == self._began_at
                and not entry.document_id
            ),
            None,
        )

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
        entry.etag, entry.modified, entry.digest = content.etag, content.modified, content.digest
        entry.size_bytes, entry.mtime_ns = content.size_bytes, content.mtime_ns
        entry.links = list(content.links)
        entry.state, entry.change, entry.code, entry.params = EntryState.READ, change, "", {}
        entry.was_added, entry.checked_at = True, self._began_at
        entry.save()

    def forget_unmet(self) -> None:
        """Drop what this look did not come across and what has no document."""
        unmet = self._source.entries.filter(document=None).exclude(checked_at=self._began_at)
        unmet.exclude(was_added=True).delete()
