"""A collection with a release and golden questions, whose draft is changed and put back."""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from django.core.files.base import ContentFile

from bench.drafts.sources import Source
from knowledge import ingest, versions
from knowledge.models import Chunk, Collection, Document, GoldenQuestion, GoldenRun
from knowledge.releases import gate, publishing, trial
from knowledge.releases.changes import ChangeKind, changes
from knowledge.releases.findings import Outcome, from_json
from knowledge.scope import draft_chunks


@dataclass
class Stage:
    """Where cases play. spare: sources of the same kind that are not in the collection.

    sources: by document id, as published. The document rows are read anew for every case.
    """

    collection: Collection
    random: random.Random
    spare: list[Source]
    foreign: list[Source]
    sources: dict[str, Source] = field(default_factory=dict)
    undoing: ExitStack = field(default_factory=ExitStack)

    def publish(self) -> None:
        """Make what is there the release; what the first trial says of it is not what is measured."""
        trial.try_now(self.collection)
        publishing.publish(self.collection, by=None, override_reason="measured from here")
        self.collection.refresh_from_db()

    def add(self, source: Source, *, keep: bool = False) -> Document:
        """Add a document; it goes away after the case unless it is kept."""
        file = ContentFile(source.write())
        document = ingest.add_document(self.collection, source.file_name, file, owner=None, queue=False)
        document = ingest.ingest_now(document)
        if keep:
            self.sources[str(document.pk)] = source
        else:
            self.undoing.callback(ingest.delete_document, document)
        return document

    def replace(self, document: Document, content: "bytes | Source", name: str = "") -> Document:
        """Give a document a newer file; the one before comes back after the case."""
        source = self.sources[str(document.pk)]
        if isinstance(content, Source):
            name, content = content.file_name, content.write()
        versions.replace_document(document, name or source.file_name, ContentFile(content), queue=False)
        self.undoing.callback(self._put_back, document, source)
        return ingest.ingest_now(document)

    def _put_back(self, document: Document, source: Source) -> None:
        document.refresh_from_db()
        file = ContentFile(source.write() + (b"\n" if source.kind == "md" else b""))
        versions.replace_document(document, source.file_name, file, queue=False)
        ingest.ingest_now(document)

    def switch_off(self, document: Document) -> None:
        """Take a document out of the draft for the case."""
        versions.enable_document(document, is_on=False)
        self.undoing.callback(versions.enable_document, document, is_on=True)

    def documents(self, kind: str = "md") -> list[Document]:
        """List the documents of a kind, in an order of the case's own."""
        rows = self.collection.documents.order_by("name")
        found = [row for row in rows if self.sources.get(str(row.pk)) and self.source(row).kind == kind]
        self.random.shuffle(found)
        return found

    def source(self, document: Document) -> Source:
        """What a document was written from."""
        return self.sources[str(document.pk)]

    def golden_documents(self) -> list[Document]:
        """Documents that golden questions name."""
        ids = set(
            GoldenQuestion.objects.filter(collection=self.collection).values_list("document", flat=True)
        )
        return [row for row in self.documents() if row.pk in ids]

    def plain_documents(self) -> list[Document]:
        """Documents that no golden question names."""
        named = {row.pk for row in self.golden_documents()}
        return [row for row in self.documents() if row.pk not in named]

    def chunks(self, document: Document) -> list[Chunk]:
        """The document's chunks in the draft."""
        rows = draft_chunks(self.collection).filter(document=document)
        return list(rows.select_related("document__collection"))

    def play(self, case: "Callable[[Stage], object]", seed: str) -> "Played":
        """Do something to the draft, try it, and put everything back."""
        self.random = random.Random(seed)
        with self.undoing:
            self.collection.refresh_from_db()
            case(self)
            run = trial.try_now(self.collection)
            played = _played(self.collection, run)
        left = [row for row in changes(self.collection) if row.kind is not ChangeKind.SAME]
        assert not left, left
        return played


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a case. reasons: codes of what was found."""

    is_held: bool
    is_changed: bool
    reasons: Sequence[str]


def _played(collection: Collection, run: GoldenRun) -> Played:
    checks = from_json(run.checks)
    held = [check for check in checks if check.outcome is Outcome.HELD]
    reasons = sorted({finding.code for check in held for finding in check.findings})
    standing = gate.state_of(collection).standing
    return Played(standing is not gate.Standing.PASSED, standing is not gate.Standing.PUBLISHED, reasons)
