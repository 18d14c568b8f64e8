"""One verb for many documents: what was done, and what was refused and why."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from knowledge import clearing, ingest, moving, versions
from knowledge.errors import InRelease, KnowledgeError, StillReading
from knowledge.models import Collection, Document, DocumentStatus
from knowledge.published import published
from knowledge.removal import in_batches

if TYPE_CHECKING:
    from accounts.models import User

MOST: Final = 1000  # documents at once
ROWS_A_BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was left as it is, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Ids of what was done, and the refusals. What already was as wanted is in neither."""

    done: tuple[UUID, ...] = ()
    refused: tuple[Refusal, ...] = ()


def process_again(documents: Sequence[Document], *, by: "User | None") -> Outcome:
    """Read documents once more; what is being read or deleted is refused."""

    def queue(document: Document) -> bool:
        if not ingest.process_again(document, by=by):
            raise StillReading(str(document.pk))
        return True

    return _each(documents, queue)


def enable(documents: Sequence[Document], *, is_on: bool, by: "User | None") -> Outcome:
    """Take documents into the draft, or out of it."""

    def switch(document: Document) -> bool:
        if document.is_disabled != is_on:
            return False
        versions.enable_document(document, is_on=is_on, by=by)
        return True

    return _each(documents, switch)


def move(
    documents: Sequence[Document], target: Collection, *, by: "User | None", even_published: bool
) -> Outcome:
    """Move documents to another collection, by jobs. even_published: also those that answer visitors now."""
    held = published(documents)

    def queue(document: Document) -> bool:
        if document.collection_id == target.pk:
            return False
        if document.pk in held and not even_published:
            raise InRelease(str(document.pk))
        moving.move_later(document, target, by=by)
        return True

    return _each(documents, queue)


def delete(documents: Sequence[Document]) -> Outcome:
    """Delete documents: unreadable at once, gone from the stores a little later."""
    wanted = [document.pk for document in documents if document.status != DocumentStatus.DELETING]
    clearing.delete_later(Document.objects.filter(pk__in=wanted))
    return Outcome(tuple(wanted))


def _each(documents: Sequence[Document], act: Callable[[Document], bool]) -> Outcome:
    """Act on each document; a few share a transaction, so that other writers come between."""
    done: list[UUID] = []
    refused: list[Refusal] = []
    for batch in in_batches(documents, ROWS_A_BATCH):
        with transaction.atomic():
            for document in batch:
                try:
                    if act(document):
                        done.append(document.pk)
                except KnowledgeError as error:
                    refused.append(Refusal(document.name, error.user_message))
    return Outcome(tuple(done), tuple(refused))


def applicable(documents: QuerySet[Document], action: str) -> QuerySet[Document]:
    """Leave out what an action would not change, so that the next thousand come after the first."""
    if action == "again":
        return documents.filter(status__in=versions.SETTLED)
    if action in ("enable", "disable"):
        return documents.filter(is_disabled=action == "enable")
    return documents.exclude(status=DocumentStatus.DELETING)


def count_chunks(documents: Iterable[Document]) -> int:
    """Count the chunks that are deleted with these documents."""
    return sum(document.chunk_count for document in documents)
