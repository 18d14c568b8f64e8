"""Move a document to another collection: its id, log, versions and links stay.

Order: vectors into the other store, then the rows' collection in one transaction, then words, then the old
store is cleared. Whoever dies in between leaves vectors without a row or words of the old collection, which
nobody retrieves: the job's next attempt goes on, and `reconcile` would find them. The releases of the
collection it leaves, its golden questions and its summary lose it, as if it were deleted there.
"""

import logging
from collections.abc import Collection as Sized
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet

from inference.conf import get_embedder
from inference.embedders.base import Vectors
from jobs import queue as job_queue
from jobs.models import Job, JobState
from knowledge import index, lexical, log
from knowledge.embedding import VECTORS_A_BATCH, embed, embedder_of
from knowledge.errors import KeptInStep, KnowledgeError, StillReading
from knowledge.indexing import ROWS_A_BATCH
from knowledge.ingest import refuse_duplicate
from knowledge.models import Chunk, ChunkState, Collection, Document, GoldenQuestion, ReleaseChunk
from knowledge.removal import blank_summary, in_batches, remove_leftovers
from knowledge.scope import titles_of
from knowledge.tokens import TOKENISER
from knowledge.versions import SETTLED

if TYPE_CHECKING:
    from accounts.models import User
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "move"


def move_later(document: Document, target: Collection, *, by: "User | None" = None) -> None:
    """Queue a document to be moved. Raises: Duplicate, KeptInStep, StillReading."""
    if document.pk in moving_documents():
        raise StillReading(str(document.pk))
    with transaction.atomic():
        _refuse(document, target)
        subject = f"{document.pk}:{document.collection_id}:{target.pk}"
        job_queue.enqueue(JOB_KIND, subject, owner=f"u:{by.pk}" if by else "")


def moving_documents() -> set[UUID]:
    """Ids of the documents that are about to be moved."""
    live = Job.objects.filter(kind=JOB_KIND, state__in=[JobState.QUEUED, JobState.RUNNING])
    return {UUID(subject.partition(":")[0]) for subject in live.values_list("subject", flat=True)}


def run_move(lease: "Lease") -> JobState:
    """Move the job's document, or go on where an earlier attempt died. Raises: LeaseLost."""
    document_id, source_id, target_id = lease.job.subject.split(":")
    document = Document.objects.select_related("collection").filter(pk=UUID(document_id)).first()
    places = Collection.objects.in_bulk([int(source_id), int(target_id)])
    source, target = places.get(int(source_id)), places.get(int(target_id))
    if document is None or source is None or target is None:
        return JobState.CANCELLED
    try:
        if document.collection_id == target.pk:
            _finish(document, source)
        else:
            move_document(document, target)
    except KnowledgeError as error:
        logger.warning("%s is not moved to %s: %s", document.pk, target.slug, error)
        log.record(document, "not_moved", {"after": target.name}, level=log.Level.ERROR)
        return JobState.FAILED
    return JobState.DONE


def end_move(job: Job) -> None:
    """A document that could not be moved stays where it is."""
    logger.warning("%s ended early", job)


def move_document(document: Document, target: Collection) -> None:
    """Move a document to another collection.

    Raises: Duplicate, KeptInStep, StillReading, IndexUnavailable, EmbeddingFailed.
    """
    source = document.collection
    _refuse(document, target)
    while not _switch(document, source, target, _copy_vectors(document, source, target)):
        target.refresh_from_db()
    _finish(document, source)


def _refuse(document: Document, target: Collection) -> None:
    if document.source_id:
        raise KeptInStep(str(document.pk))
    if document.status not in SETTLED:
        raise StillReading(str(document.pk))
    with transaction.atomic():
        refuse_duplicate(target, document.sha256)


def _current(document: Document) -> QuerySet[Chunk]:
    """What is kept of it: the newest version, without the edits in between."""
    in_between = Q(state=ChunkState.REPLACED, edition__gt=0)
    return document.chunks.filter(version=document.version).exclude(in_between).order_by("pk")


def _copy_vectors(document: Document, source: Collection, target: Collection) -> set[str]:
    """Write the vectors into the target's store and return their keys; embeds what the old store lacks."""
    chunks = list(_current(document))
    keys = [chunk.key for chunk in chunks]
    vectors: dict[str, Vectors] = {}
    if index.embedder_name(source) == index.embedder_name(target):
        vectors = index.get_vectors(source, keys)
    missing = [chunk for chunk in chunks if chunk.key not in vectors]
    embedder = embedder_of(target) if missing else None
    titles = titles_of(chunks)
    for part in in_batches(missing if embedder else [], VECTORS_A_BATCH):
        assert embedder is not None
        made = embed(embedder, titles[part[0].pk], part)  # chunks of one version have one title
        vectors.update(zip([chunk.key for chunk in part], made, strict=True))
    for known in in_batches([key for key in keys if key in vectors], VECTORS_A_BATCH):
        index.upsert(target, known, np.stack([vectors[key] for key in known]))
    return set(keys)


def _switch(document: Document, source: Collection, target: Collection, copied: Sized[str]) -> bool:
    """Say in the rows where it is; False where store or chunks changed meanwhile. Raises: StillReading."""
    with transaction.atomic():
        both = Collection.objects.select_for_update().filter(pk__in=[source.pk, target.pk])
        places = {place.pk: place for place in both.order_by("pk")}
        now = Document.objects.filter(pk=document.pk, collection=source, status__in=SETTLED).first()
        if now is None or target.pk not in places:
            raise StillReading(str(document.pk))
        refuse_duplicate(target, now.sha256)
        there = places[target.pk]
        chunks = set(_current(now).values_list("key", flat=True))
        if there.generation != target.generation or chunks != set(copied):
            document.version = now.version
            return False
        if not there.embedder:
            there.embedder, there.tokeniser = get_embedder().name, TOKENISER
            there.save(update_fields=["embedder", "tokeniser"])
        ReleaseChunk.objects.filter(chunk__document=now).delete()
        GoldenQuestion.objects.filter(document=now).exclude(collection=there).update(document=None)
        blank_summary(now)
        now.collection = there
        now.save(update_fields=["collection", "updated_at"])
        log.record(now, "moved", {"before": source.name, "after": there.name})
    document.collection = there
    logger.info("document %s moved from %s to %s", document.pk, source.slug, there.slug)
    return True


def _finish(document: Document, source: Collection) -> None:
    """Give its words the new collection's name, and clear the old store. Raises: IndexUnavailable."""
    for part in in_batches(_current(document).select_related("document"), ROWS_A_BATCH):
        lexical.add(part, titles_of(part))
    index.delete(source, document.chunks.values_list("key", flat=True))
    remove_leftovers(document)
