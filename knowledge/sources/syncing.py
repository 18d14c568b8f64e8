"""Bring a source's documents in step with what stands at its addresses.

New pages and files become documents, changed ones newer versions of theirs. What is gone is deleted, but
only after a look that saw everything: a server that fails, a disk that is away, a look that was stopped
delete nothing.
"""

import logging
import time
from collections.abc import Iterator

from django.core.files import File
from django.db import transaction
from django.utils import timezone

from knowledge import ingest, versions
from knowledge.errors import Duplicate, KnowledgeError, StorageFull
from knowledge.extract.errors import ExtractError
from knowledge.models import EntryState, Source, SourceEntry, SourceKind
from knowledge.run import REPORT_EVERY_S, Watch
from knowledge.sources import crawl, folder
from knowledge.sources.errors import LedOn, RemovedHere, RunStopped, SameContent
from knowledge.sources.findings import Content, Finding, Kind, Tally
from knowledge.sources.ledger import Ledger

logger = logging.getLogger(__name__)


def sync(source: Source, watch: Watch) -> Tally:
    """Look at a source once and take over what changed.

    Raises: SourceError when it could not be looked at, RunStopped; LeaseLost. What was taken over until
    then stays.
    """
    return _Sync(source, watch).run()


class _Sync:
    """One look at one source."""

    def __init__(self, source: Source, watch: Watch) -> None:
        self.tally = Tally()
        self._source = source
        self._watch = watch
        self._ledger = Ledger(source, timezone.now())
        self._reported_at = 0.0

    def run(self) -> Tally:
        """Look, and then let go of what is gone."""
        for finding in self._look():
            if self._watch.should_stop():
                raise RunStopped()
            self._take(finding)
            self._report()
        if self.tally.is_complete:
            self._let_go()
            self._ledger.forget_unmet()
        return self.tally

    def _look(self) -> Iterator[Finding]:
        look = folder.look if self._source.kind == SourceKind.FOLDER else crawl.look
        return look(self._source, self._ledger, self.tally, self._watch.should_stop)

    def _report(self) -> None:
        if time.monotonic() - self._reported_at >= REPORT_EVERY_S:
            self._watch.report_progress(self.tally.looked_at, self.tally.found)
            self._reported_at = time.monotonic()

    def _take(self, finding: Finding) -> None:
        entry = self._ledger.open(finding.address)
        if finding.content is not None:
            self._take_content(entry, finding.content)
        elif finding.kind == Kind.SAME:
            self._ledger.tell(entry, EntryState.READ, change="same")
            self.tally.count("same")
        elif finding.kind == Kind.GONE:
            if entry.pk:  # a dead link to what never was here is nobody's business
                self._ledger.tell(entry, EntryState.GONE, code=finding.why.code if finding.why else "")
        elif finding.why is not None:
            state = EntryState.FAILED if finding.kind == Kind.FAILED else EntryState.LEFT_OUT
            self._refuse(entry, state, finding.why)

    def _take_content(self, entry: SourceEntry, content: Content) -> None:
        twin = self._ledger.twin(entry.address, content.digest)
        if entry.document_id and entry.digest == content.digest:
            self._ledger.keep(entry, content, change="same")
            self.tally.count("same")
        elif twin is not None:
            self._ledger.say(entry, content.digest)
            entry.save()
            self._refuse(entry, EntryState.LEFT_OUT, SameContent(params={"other": twin.address}))
        elif entry.was_added and entry.document_id is None:
            self._refuse(entry, EntryState.LEFT_OUT, RemovedHere())
        else:
            self._write(entry, content)

    def _write(self, entry: SourceEntry, content: Content) -> None:
        """Add a document, or give the one there is a newer version."""
        change = "changed" if entry.document_id else "new"
        try:
            if entry.document is not None:
                versions.replace_document(entry.document, content.name, File(content.file, content.name))
                self._ledger.keep(entry, content, change=change)
            else:
                self._add(entry, content)
        except (StorageFull, RunStopped):
            raise
        except (ExtractError, KnowledgeError) as error:
            if isinstance(error, Duplicate) and error.document_id == str(entry.document_id):
                change = "same"  # the very bytes it was read from
                self._ledger.keep(entry, content, change=change)
            else:
                self._refuse(entry, EntryState.FAILED if error.retryable else EntryState.LEFT_OUT, error)
                return
        self.tally.count(change)

    def _check_source(self) -> None:
        """Write nothing for a source that was deleted meanwhile. Raises: RunStopped."""
        if not Source.objects.select_for_update().filter(pk=self._source.pk).exists():
            raise RunStopped()

    def _add(self, entry: SourceEntry, content: Content) -> None:
        """Add a document and what says whose it is: both or none, or the next look would find a stranger."""
        with transaction.atomic():
            self._check_source()
            document = ingest.add_document(
                self._source.collection,
                content.name,
                File(content.file, content.name),
                owner=self._source.created_by,
            )
            document.source, document.address = self._source, entry.address
            document.save(update_fields=["source", "address"])
            entry.document = document
            self._ledger.keep(entry, content, change="new")

    def _refuse(self, entry: SourceEntry, state: EntryState, error: ExtractError | KnowledgeError) -> None:
        params = {name: str(value) for name, value in getattr(error, "params", {}).items()}
        if isinstance(error, Duplicate):
            params = {"name": error.other}
        self._ledger.tell(entry, state, code=str(error.code), **params)
        self.tally.count(state.value)

    def _let_go(self) -> None:
        """Delete what is gone; a document whose page or file only moved goes along with it."""
        for entry in self._ledger.met(EntryState.GONE, EntryState.LEFT_OUT):
            if self._watch.should_stop():
                raise RunStopped()
            if entry.document is None:
                continue
            if entry.state == EntryState.GONE or entry.code == LedOn.code:
                self._pass_on(entry)
            elif entry.code in {SameContent.code, Duplicate.code}:
                self._delete(entry)  # what it says now stands in another document

    def _pass_on(self, entry: SourceEntry) -> None:
        heir = self._ledger.heir(entry, SameContent.code)
        if heir is not None:
            self._move(entry, heir)
        elif entry.state == EntryState.GONE and self._delete(entry):
            self.tally.count("gone")

    def _move(self, entry: SourceEntry, heir: SourceEntry) -> None:
        document = entry.document
        assert document is not None
        document.address = heir.address
        with transaction.atomic():
            document.save(update_fields=["address"])
            entry.document, entry.was_added = None, False
            entry.save(update_fields=["document", "was_added"])
            heir.document, heir.was_added = document, True
            heir.state, heir.change, heir.code, heir.params = EntryState.READ, "moved", "", {}
            heir.save()
        self.tally.count("moved")
        self.tally.counts[EntryState.LEFT_OUT.value] -= 1

    def _delete(self, entry: SourceEntry) -> bool:
        document = entry.document
        assert document is not None
        try:
            ingest.delete_document(document)
        except KnowledgeError as error:  # it is marked; a repair finishes it
            logger.warning("%s of source %s not deleted: %s", document.pk, self._source.pk, error)
            return False
        entry.document, entry.was_added = None, False
        entry.save(update_fields=["document", "was_added"])
        return True
