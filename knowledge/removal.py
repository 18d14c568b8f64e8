"""How documents and collections are taken out of every store.

Order: vectors, then rows with their words in one transaction, then the file, then the document. So a
vector always has a row that names it, and a removal that was cut off can be finished from the rows.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from jobs import worker
from jobs.models import Job, JobState
from knowledge import index, lexical
from knowledge.models import Chunk, ChunkState, Collection, Document, DocumentStatus, ReleaseChunk, Summary

logger = logging.getLogger(__name__)

BATCH = 100  # short transactions: SQLite has one writer, and chats write too
JOB_KIND = "document"
T = TypeVar("T")


def live_jobs(document_ids: Iterable[UUID] | None = None) -> QuerySet[Job]:
    """Jobs that still read these documents, or will; of all documents when none are named."""
    live = Job.objects.filter(kind=JOB_KIND, state__in=[JobState.QUEUED, JobState.RUNNING])
    if document_ids is None:
        return live
    return live.filter(subject__in=[str(document_id) for document_id in document_ids])


def leftover_chunks() -> QuerySet[Chunk]:
    """Chunks nobody needs: of older versions, or of edits in between, that no release holds."""
    is_held = Exists(ReleaseChunk.objects.filter(chunk=OuterRef("pk")))
    is_old = ~Q(version=F("document__version")) | Q(state=ChunkState.REPLACED, edition__gt=0)
    return Chunk.objects.filter(is_old).exclude(is_held)


def remove_leftovers(document: Document) -> None:
    """Take out the chunks, versions and files of a document that nobody needs. Raises: IndexUnavailable."""
    remove_chunks(document.collection, leftover_chunks().filter(document=document))
    for version in document.versions.exclude(number=F("document__version")):
        if not document.chunks.filter(version=version.number).exists():
            version.delete()
            remove_file(document, version.file)


def remove_file(document: Document, name: str) -> None:
    """Delete one of a document's files unless the document or a version of it still names it."""
    is_current = Document.objects.filter(pk=document.pk, file=name).exists()
    if name and not is_current and not document.versions.filter(file=name).exists():
        document.file.storage.delete(name)


def remove_chunks(collection: Collection, chunks: QuerySet[Chunk]) -> None:
    """Take chunks out of vectors, words and rows. Raises: IndexUnavailable."""
    while batch := list(chunks.order_by("pk")[:BATCH]):
        index.delete(collection, [chunk.key for chunk in batch])
        _remove_rows(batch)


def _remove_rows(batch: Sequence[Chunk]) -> None:
    with transaction.atomic():
        lexical.remove(batch)
        Chunk.objects.filter(pk__in=[chunk.pk for chunk in batch]).delete()


def delete_document(document: Document) -> None:
    """Delete a document from every store; one that is being read stops.

    Raises: IndexUnavailable; the document then stays as deleting, and `reconcile` or a second
    delete finishes it.
    """
    mark_deleting(Document.objects.filter(pk=document.pk))
    blank_summary(document)
    remove_chunks(document.collection, document.chunks.all())
    _forget(document)


def delete_collection(collection: Collection) -> None:
    """Delete a collection with all its documents. Raises: IndexUnavailable, as delete_document."""
    collection.sources.all().delete()  # a look at one adds nothing from here on
    mark_deleting(collection.documents.all())
    index.drop(collection)
    rows = Chunk.objects.filter(document__collection=collection)
    while batch := list(rows.order_by("pk")[:BATCH]):
        _remove_rows(batch)
    for document in collection.documents.all():
        _forget(document)
    index.drop(collection)  # a run that was cut off in between may have made it again
    collection.delete()


def mark_deleting(documents: QuerySet[Document]) -> None:
    """Make the documents unreadable at once and stop who is reading them."""
    ids = list(documents.values_list("pk", flat=True))
    documents.update(status=DocumentStatus.DELETING, updated_at=timezone.now())
    for part in in_batches(ids, BATCH):
        for job in live_jobs(part):
            worker.cancel(job.pk)


def blank_summary(document: Document) -> None:
    """Empty the collection's summary if it says something that stood in the document."""
    summary = Summary.objects.filter(collection=document.collection_id).first()
    if summary and any(one["document"] == str(document.pk) for one in summary.passages):
        Summary.objects.filter(pk=summary.pk).update(text="", passages=[], of="", version=None, made_at=None)


def _forget(document: Document) -> None:
    for name in {document.file.name or "", *document.versions.values_list("file", flat=True)} - {""}:
        document.file.storage.delete(name)
    Document.objects.filter(pk=document.pk).delete()
    logger.info("document %s deleted", document.pk)


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
