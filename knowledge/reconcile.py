"""Compare database, vectors, word index and files: what does not agree, and with what.

The database and the files are the truth; vectors and words can be rebuilt from them. Documents that
are being read or deleted by a live run are left alone: it clears up after itself. `mending.py` mends.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from time import time

from django.conf import settings
from django.db.models import Count, F, Q

from knowledge import index, lexical, reindexing
from knowledge.models import Chunk, ChunkState, Collection, Document, DocumentStatus, DocumentVersion
from knowledge.removal import leftover_chunks, live_jobs
from knowledge.run import UNDER_WAY

MOVING = (*UNDER_WAY, DocumentStatus.DELETING)
FILE_SETTLES_S = 300.0  # an upload writes its file shortly before its row


class Kind(StrEnum):
    """How the stores can differ."""

    STUCK = "document_stuck"  # said to be read, but nobody does
    UNDELETED = "delete_unfinished"
    FILE_MISSING = "file_missing"
    CHUNKS_MISSING = "chunks_missing"
    LEFTOVERS = "leftover_chunks"
    VECTORS_MISSING = "vectors_missing"
    WORDS_MISSING = "words_missing"
    VECTORS_EXTRA = "vectors_without_chunk"
    WORDS_EXTRA = "words_without_chunk"
    STORE_EXTRA = "vectors_without_collection"
    FILE_EXTRA = "file_without_document"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree.

    subject: a document's id, a collection's slug, a file, or a store's name. keys, ids: the vectors
    and chunks concerned.
    """

    kind: Kind
    subject: str
    count: int = 1
    keys: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


def compare(*, file_settles_s: float = FILE_SETTLES_S) -> list[Difference]:
    """List what differs, nothing when all stores agree. Raises: IndexUnavailable."""
    collections = Collection.objects.order_by("pk")
    return list(
        chain(
            _documents(),
            *(_collection(collection) for collection in collections),
            _stores(),
            _files(file_settles_s),
        )
    )


def _documents() -> Iterator[Difference]:
    busy = set(live_jobs().values_list("subject", flat=True))
    for document in Document.objects.filter(status__in=MOVING).order_by("pk"):
        if document.status == DocumentStatus.DELETING:
            yield Difference(Kind.UNDELETED, str(document.pk))
        elif str(document.pk) not in busy:
            yield Difference(Kind.STUCK, str(document.pk))
    settled = (
        Document.objects.exclude(status__in=MOVING)
        .annotate(
            current=Count(
                "chunks", filter=Q(chunks__version=F("version")) & ~Q(chunks__state=ChunkState.REPLACED)
            )
        )
        .order_by("pk")
    )
    other = Counter(leftover_chunks().order_by().values_list("document", flat=True))
    for document in settled.iterator():
        if str(document.pk) in busy:
            continue
        names = {document.file.name or "", *document.versions.values_list("file", flat=True)}
        if not all(document.file.storage.exists(name) for name in names):
            yield Difference(Kind.FILE_MISSING, str(document.pk))
        if document.current != document.chunk_count:
            missing = abs(document.chunk_count - document.current)
            yield Difference(Kind.CHUNKS_MISSING, str(document.pk), missing)
        if count := other.get(document.pk):
            yield Difference(Kind.LEFTOVERS, str(document.pk), count)


def _collection(collection: Collection) -> Iterator[Difference]:
    """Compare one collection's stores; what is written meanwhile is not counted as a difference."""
    settled = list(
        collection.documents.filter(status__in=[DocumentStatus.READY, DocumentStatus.FAILED]).values_list(
            "pk", flat=True
        )
    )
    vectors = index.list_keys(collection)
    words = lexical.list_ids(collection.pk)
    leftovers = set(leftover_chunks().filter(document__collection=collection).values_list("pk", flat=True))
    rows = Chunk.objects.filter(document__in=settled).order_by().values_list("key", "pk")
    expected = {key: pk for key, pk in rows if pk not in leftovers}
    known = dict(Chunk.objects.filter(document__collection=collection).values_list("key", "pk"))
    yield from _missing(
        Kind.VECTORS_MISSING, collection, [pk for key, pk in expected.items() if key not in vectors]
    )
    yield from _missing(Kind.WORDS_MISSING, collection, [pk for pk in expected.values() if pk not in words])
    if extra := sorted(vectors - known.keys()):
        yield Difference(Kind.VECTORS_EXTRA, collection.slug, len(extra), keys=tuple(extra))
    yield from _missing(Kind.WORDS_EXTRA, collection, sorted(words - set(known.values())))


def _missing(kind: Kind, collection: Collection, ids: list[int]) -> Iterator[Difference]:
    if ids:
        yield Difference(kind, collection.slug, len(ids), ids=tuple(ids))


def _stores() -> Iterator[Difference]:
    known = {collection.index_name for collection in Collection.objects.all()}
    known.update(reindexing.stores_under_way())
    for name in sorted(index.list_names() - known):
        yield Difference(Kind.STORE_EXTRA, name)


def _files(settles_s: float) -> Iterator[Difference]:
    root = Path(settings.MEDIA_ROOT)
    known = set(Document.objects.values_list("file", flat=True))
    known.update(DocumentVersion.objects.values_list("file", flat=True))
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in known and time() - path.stat().st_mtime >= settles_s:
            yield Difference(Kind.FILE_EXTRA, name)
