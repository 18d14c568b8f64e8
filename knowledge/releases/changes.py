"""What differs between a collection's draft and its published release, document by document."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Max, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from knowledge.models import Chunk, Collection, Document, DocumentStatus
from knowledge.scope import chunks_answering, draft_chunks, of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ChangeKind(StrEnum):
    """What happened to a document since the release."""

    NEW = "new"
    VERSION = "version"
    EDITED = "edited"
    OFF = "off"
    SAME = "same"
    FAILED = "failed"


KIND_LABELS: "dict[ChangeKind, StrOrPromise]" = {
    ChangeKind.NEW: _("new"),
    ChangeKind.VERSION: _("new version"),
    ChangeKind.EDITED: _("edited"),
    ChangeKind.OFF: _("off"),
    ChangeKind.SAME: _("read again"),
    ChangeKind.FAILED: _("not read"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What a scope holds of a document. mark: changes with its chunks."""

    version: int
    count: int
    mark: int


@dataclass(frozen=True, slots=True)
class Change:
    """One document that differs. before, after: its versions in the release and in the draft.

    added, removed: chunks that only the draft, or only the release, has; of an edited document only.
    """

    document: Document
    kind: ChangeKind
    before: int | None
    after: int | None
    added: int = 0
    removed: int = 0

    @property
    def label(self) -> "StrOrPromise":
        """What a person reads."""
        return KIND_LABELS[self.kind]


def changes(collection: Collection) -> list[Change]:
    """List what a release published now would change, in order of title; all is new without a release."""
    release = collection.release
    before = _held(chunks_answering([collection], of(release))) if release else {}
    after = _held(draft_chunks(collection))
    differing = {pk for pk in before.keys() | after.keys() if before.get(pk) != after.get(pk)}
    failed = set(failed_documents(collection).values_list("pk", flat=True))
    documents = Document.objects.filter(pk__in=differing | failed).select_related("collection")
    rows = [_change(one, before.get(one.pk), after.get(one.pk), one.pk in failed) for one in documents]
    return sorted(rows, key=lambda row: (str(row.document).casefold(), str(row.document.pk)))


def failed_documents(collection: Collection) -> QuerySet[Document]:
    """Documents whose newest file could not be read since the release; not those that somebody stopped."""
    failed = Document.objects.filter(
        collection=collection, status=DocumentStatus.FAILED, is_disabled=False
    ).exclude(error_code="cancelled")
    if collection.release is not None:
        failed = failed.filter(updated_at__gt=collection.release.published_at)
    return failed


def _held(chunks: QuerySet[Chunk]) -> dict[UUID, Held]:
    rows = chunks.order_by().values_list("document").annotate(Max("version"), Count("pk"), Sum("pk"))
    return {pk: Held(version, count, mark) for pk, version, count, mark in rows}


def _change(document: Document, before: Held | None, after: Held | None, is_failed: bool) -> Change:
    was, now = before.version if before else None, after.version if after else None
    if is_failed:
        return Change(document, ChangeKind.FAILED, was, now)
    if before is None:
        return Change(document, ChangeKind.NEW, was, now)
    if after is None:
        return Change(document, ChangeKind.OFF, was, now)
    if before.version != after.version:
        kind = ChangeKind.SAME if _says_the_same(document, before, after) else ChangeKind.VERSION
        return Change(document, kind, was, now)
    return _edited(document, before.version)


def _says_the_same(document: Document, before: Held, after: Held) -> bool:
    texts = [
        set(document.chunks.filter(version=held.version, **state).values_list("sha256", flat=True))
        for held, state in ((before, {"releases": document.collection.release}), (after, {"state": "live"}))
    ]
    return texts[0] == texts[1]


def _edited(document: Document, version: int) -> Change:
    release = document.collection.release
    assert release is not None
    draft = set(draft_chunks(document.collection).filter(document=document).values_list("pk", flat=True))
    live = set(document.chunks.filter(releases=release).values_list("pk", flat=True))
    return Change(document, ChangeKind.EDITED, version, version, len(draft - live), len(live - draft))
