"""Indexes made anew in the background when what made them has changed: embedder, tokeniser, chunker.

Each collection says what its vectors and words were made with. Where that is not what this site uses now,
a job writes the vectors of every chunk into a second store and switches to it when it is complete; until
then questions are asked of the old one, with the old embedder, or by words alone where that cannot be
loaded any more. Words are written anew in place, a batch at a time: their questions come from the new
tokeniser in any case. Documents cut by older rules are read again one by one, each as a new version.
"""

import logging
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from inference.conf import get_embedder
from inference.embedders.base import Embedder
from inference.errors import EngineError
from jobs import queue as job_queue
from jobs.models import Job, JobState
from knowledge import index, ingest, lexical, removal
from knowledge.chunking import CHUNKER, indexed_text
from knowledge.errors import EmbeddingFailed, IndexUnavailable, KnowledgeError
from knowledge.models import Chunk, Collection, Document, DocumentStatus, DocumentVersion
from knowledge.models.collections import index_name
from knowledge.removal import in_batches, leftover_chunks
from knowledge.scope import titles_of
from knowledge.tokens import TOKENISER

if TYPE_CHECKING:
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "reindex"
BATCH: Final = 64
LAST: Final = 64  # so many chunks are embedded while the switch is held; more, and the switch waits
AGAIN_AFTER: Final = timedelta(minutes=10)  # a failed attempt
READ_AGAIN: Final = 20  # documents queued at a time: uploads by people come between


def stale() -> QuerySet[Collection]:
    """Collections whose vectors or words another embedder or tokeniser made. Raises: EngineError."""
    is_stamped = ~Q(embedder="") & ~Q(tokeniser="")
    return Collection.objects.filter(is_stamped).exclude(embedder=get_embedder().name, tokeniser=TOKENISER)


def sweep() -> None:
    """Start what must be made anew; called every few seconds, and nearly always finds nothing to do."""
    try:
        _stamp_old()
        _check_dimensions_once()
        for collection in stale():
            _enqueue(collection)
    except (EngineError, IndexUnavailable) as exc:
        logger.warning("indexes not compared: %s", exc)
        return
    _read_again()


@cache
def _check_dimensions_once() -> None:
    check_dimensions()


def check_dimensions() -> None:
    """Compare each collection's vectors with what the embedder gives now; where they differ, make them anew.

    Once in each process' life: the name alone does not tell that a model's files were changed.
    Raises: EngineError, IndexUnavailable.
    """
    embedder = get_embedder()
    for collection in Collection.objects.exclude(embedder=""):
        made = index.stamp(collection)
        if made and made[0] == embedder.name and made[1] != embedder.dimensions:
            logger.error("%s: vectors of %s numbers, not %s", collection.slug, made[1], embedder.dimensions)
            Collection.objects.filter(pk=collection.pk).update(embedder=f"{made[0]}/{made[1]}")


def reindex(lease: "Lease") -> JobState:
    """Make a collection's vectors and words anew and switch to them. Raises: LeaseLost."""
    collection = Collection.objects.filter(pk=int(lease.job.subject)).first()
    if collection is None or not stale().filter(pk=collection.pk).exists():
        return JobState.CANCELLED
    try:
        embedder = get_embedder()
        embedder.load()
        old = collection.index_name
        if collection.embedder != embedder.name:
            building = _building(collection, embedder)
            done = _fill_and_switch(lease, collection, building)
        else:
            done = _words(lease, collection)
        if done and old != collection.index_name:
            index.drop_store(old)
    except Collection.DoesNotExist:  # it was deleted meanwhile; what was written for it goes too
        index.drop_store(index_name(collection.pk, collection.generation + 1))
        return JobState.CANCELLED
    except (EngineError, KnowledgeError) as error:
        logger.warning("%s is not made anew: %s", collection.slug, error)
        return JobState.FAILED
    return JobState.DONE if done else JobState.CANCELLED


def end_reindex(job: Job) -> None:
    """A job that failed for good is enqueued again by the sweep; there is nothing to mark."""
    logger.warning("re-indexing of collection %s ended early", job.subject)


def live_jobs() -> QuerySet[Job]:
    """Jobs that make an index anew; their subject is the collection's id."""
    return Job.objects.filter(kind=JOB_KIND, state__in=[JobState.QUEUED, JobState.RUNNING])


def _building(collection: Collection, embedder: Embedder) -> Collection:
    """The collection as it will be: another store, made by another embedder. Not saved."""
    return Collection(
        pk=collection.pk,
        slug=collection.slug,
        generation=collection.generation + 1,
        embedder=embedder.name,
        tokeniser=TOKENISER,
    )


def _fill_and_switch(lease: "Lease", collection: Collection, building: Collection) -> bool:
    """Write what is missing in the second store until little is, then the rest while nobody else writes."""
    is_first = True
    while True:
        missing = _missing(building)
        if not is_first and len(missing) <= LAST:
            with transaction.atomic():
                locked = Collection.objects.select_for_update().get(pk=collection.pk)
                if len(rest := _missing(building)) <= LAST:
                    _write(building, rest, with_words=collection.tokeniser != TOKENISER)
                    locked.generation, locked.embedder = building.generation, building.embedder
                    locked.tokeniser = TOKENISER
                    locked.save(update_fields=["generation", "embedder", "tokeniser"])
                    collection.generation, collection.embedder = locked.generation, locked.embedder
                    logger.info("%s answers from vectors of %s", collection.slug, building.embedder)
                    return True
            continue
        is_first = False
        total = Chunk.objects.filter(document__collection=collection.pk).count()
        left = len(missing)
        for batch in in_batches(missing, BATCH):
            if lease.should_stop():
                return False
            _write(building, batch, with_words=collection.tokeniser != TOKENISER)
            left -= len(batch)
            lease.report_progress(max(0, total - left), total)


def _missing(building: Collection) -> list[int]:
    """Ids of the chunks that the second store lacks."""
    there = index.list_keys(building)
    rows = Chunk.objects.filter(document__collection=building.pk).order_by("pk").values_list("pk", "key")
    leftovers = set(leftover_chunks().filter(document__collection=building.pk).values_list("pk", flat=True))
    return [pk for pk, key in rows if key not in there and pk not in leftovers]


def _write(building: Collection, ids: list[int], *, with_words: bool) -> None:
    chunks = list(Chunk.objects.filter(pk__in=ids).select_related("document").order_by("pk"))
    if not chunks:
        return
    titles = titles_of(chunks)
    texts = [indexed_text(titles[chunk.pk], chunk.heading, chunk.text) for chunk in chunks]
    try:
        vectors = get_embedder(building.embedder).embed_documents(texts)
    except EngineError as exc:
        raise EmbeddingFailed(str(exc)) from exc
    index.upsert(building, [chunk.key for chunk in chunks], vectors)
    if with_words:
        lexical.add(chunks, titles)


def _words(lease: "Lease", collection: Collection) -> bool:
    """Write the words of every chunk anew, in place."""
    ids = list(
        Chunk.objects.filter(document__collection=collection).order_by("pk").values_list("pk", flat=True)
    )
    for done in range(0, len(ids), BATCH):
        if lease.should_stop():
            return False
        chunks = list(Chunk.objects.filter(pk__in=ids[done : done + BATCH]).select_related("document"))
        lexical.add(chunks, titles_of(chunks))
        lease.report_progress(min(done + BATCH, len(ids)), len(ids))
    Collection.objects.filter(pk=collection.pk).update(tokeniser=TOKENISER)
    return True


def _stamp_old() -> None:
    """Stamp collections that were filled before there were stamps by what their store says."""
    for collection in Collection.objects.filter(embedder="", documents__chunks__isnull=False).distinct():
        made = index.stamp(collection)
        name = made[0] if made else get_embedder().name
        Collection.objects.filter(pk=collection.pk, embedder="").update(embedder=name, tokeniser=TOKENISER)


def _enqueue(collection: Collection) -> None:
    subject = str(collection.pk)
    recent = Job.objects.filter(kind=JOB_KIND, subject=subject, finished_at__gt=timezone.now() - AGAIN_AFTER)
    if live_jobs().filter(subject=subject).exists() or recent.exclude(state=JobState.DONE).exists():
        return
    job_queue.enqueue(JOB_KIND, subject)


def _read_again() -> None:
    """Queue documents that older rules cut, a few at a time."""
    cut_otherwise = DocumentVersion.objects.exclude(chunker__in=["", CHUNKER])
    current = cut_otherwise.filter(number=F("document__version"), document__status=DocumentStatus.READY)
    old = list(Document.objects.filter(pk__in=current.values("document")).order_by("pk")[:READ_AGAIN])
    if old and not removal.live_jobs().exists():
        for document in old:
            ingest.process_again(document)


def stores_under_way() -> set[str]:
    """Names of the stores that are being written."""
    ids = [int(subject) for subject in live_jobs().values_list("subject", flat=True)]
    rows = Collection.objects.filter(pk__in=ids).values_list("pk", "generation")
    return {index_name(pk, generation + 1) for pk, generation in rows}
