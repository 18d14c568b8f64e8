"""The verbs of a document's life: add, read into the index, try again, stop, delete.

What they promise: nothing half-indexed is ever retrieved (retrieval looks at status and version),
a run that dies leaves nothing that the next one does not clear, and a failure is a sentence on the
row. How a version is written stands in indexing.py, how things are taken away in removal.py.
"""

import hashlib
import logging
import shutil
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone, translation
from django.utils.text import slugify

from jobs import queue as job_queue
from jobs import worker
from jobs.errors import LeaseLost
from jobs.models import Job, JobState
from knowledge import indexing, log, removal
from knowledge.errors import (
    DocumentLost,
    Duplicate,
    Internal,
    KnowledgeError,
    ProcessingStopped,
    StorageFull,
    WorkerLost,
)
from knowledge.extract.errors import ExtractError, build_error
from knowledge.extract.formats import format_of
from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode
from knowledge.models import Collection, Document, DocumentStatus, Visibility
from knowledge.names import clean_file_name
from knowledge.removal import delete_collection, delete_document
from knowledge.run import UNDER_WAY, Run, Unwatched, Watch

if TYPE_CHECKING:
    from accounts.models import User
    from jobs.worker import Lease

__all__ = [
    "add_document",
    "cancel_document",
    "create_collection",
    "delete_collection",
    "delete_document",
    "fail_document",
    "fail_stuck",
    "ingest_document",
    "ingest_now",
    "process_again",
    "read_again",
    "retry_document",
]

logger = logging.getLogger(__name__)

JOB_KIND = "document"
MEGABYTE = 1024 * 1024
RESERVED_SLUGS = frozenset(  # addresses
    {"answers", "bulk", "collections", "documents", "progress", "refusals", "test", "upload"}
)
KEEP_FREE_BYTES = 200 * MEGABYTE  # the database needs room too


def create_collection(
    name: str, *, description: str = "", visibility: str = Visibility.SIGNED_IN, slug: str = ""
) -> Collection:
    """Add a collection; without a slug it gets one made from its name."""
    base = slug or slugify(name)[:50].strip("-") or "collection"
    with transaction.atomic():
        named = Collection.objects.filter(slug__startswith=base)
        taken = {*named.values_list("slug", flat=True), *RESERVED_SLUGS}
        place = 1
        slug = base
        while slug in taken:
            place += 1
            slug = f"{base}-{place}"
        return Collection.objects.create(name=name, slug=slug, description=description, visibility=visibility)


def add_document(
    collection: Collection, name: str, file: "File[bytes]", *, owner: "User | None", queue: bool = True
) -> Document:
    """Keep a file as a new document of a collection and queue it for reading.

    queue: False leaves the reading to the caller (`ingest_now`).
    Raises: extract.errors.UnsupportedType, EmptyFile, TooLarge; Duplicate, StorageFull.
    """
    name = clean_file_name(name)
    size_bytes, sha256 = check_file(name, file)
    document = Document(
        collection=collection,
        name=name,
        title=name[:255],
        format=format_of(name).name,
        size_bytes=size_bytes,
        sha256=sha256,
        owner=owner,
    )
    try:
        with transaction.atomic():
            refuse_duplicate(collection, sha256)
            document.file.save(name, file, save=False)
            document.save(force_insert=True)
            if queue:
                enqueue(document)
            log.record(document, "uploaded", {"name": name}, by=owner)
    except BaseException:  # also of what runs after the commit: then the row has the file
        if document.file._committed:  # type: ignore[attr-defined]
            removal.remove_file(document, document.file.name or "")
        raise
    return document


def check_file(name: str, file: "File[bytes]") -> tuple[int, str]:
    """Return size in bytes and sha256 of a file that may be kept.

    Raises: extract.errors.UnsupportedType, EmptyFile, TooLarge; StorageFull.
    """
    try:
        format_of(name)
    except Refused as refusal:
        raise build_error(refusal.code, refusal.params) from refusal
    limit = settings.MAX_UPLOAD_MB
    if file.size > limit * MEGABYTE:
        raise build_error(FailureCode.TOO_LARGE, {"limit": limit, "unit": "megabytes"})
    if file.size == 0:
        raise build_error(FailureCode.EMPTY_FILE)
    if shutil.disk_usage(settings.DATA_DIR).free < file.size + KEEP_FREE_BYTES:
        raise StorageFull(f"{file.size} bytes asked for")
    digest = hashlib.sha256()
    file.seek(0)
    for part in file.chunks():
        digest.update(part)
    file.seek(0)
    return file.size, digest.hexdigest()


def refuse_duplicate(collection: Collection, sha256: str) -> None:
    """Let nothing in twice; inside a transaction. Raises: Duplicate."""
    Collection.objects.select_for_update().get(pk=collection.pk)  # two equal uploads: one after the other
    same = (
        Document.objects.filter(collection=collection, sha256=sha256)
        .exclude(status=DocumentStatus.DELETING)
        .first()
    )
    if same:
        raise Duplicate(str(same.pk), same.name)


def enqueue(document: Document) -> None:
    """Queue a document for reading; inside the transaction that says so on its row."""
    owner = f"u:{document.owner_id}" if document.owner_id else ""
    job_queue.enqueue(JOB_KIND, str(document.pk), owner=owner)


def ingest_document(lease: "Lease") -> JobState:
    """Read the job's document into the index. Raises: LeaseLost."""
    document = Document.objects.select_related("collection").filter(pk=UUID(lease.job.subject)).first()
    if document is None:
        return JobState.CANCELLED
    if document.status == DocumentStatus.READY:  # an earlier attempt died after its last important step
        removal.remove_leftovers(document)
        return JobState.DONE
    return _read(document, lease, attempt=lease.job.attempt)


def ingest_now(document: Document) -> Document:
    """Read a document into the index in this thread and return it as it is then."""
    _read(document, Unwatched())
    document.refresh_from_db()
    return document


def _read(document: Document, watch: Watch, attempt: int = 1) -> JobState:
    if document.status not in UNDER_WAY:
        return JobState.CANCELLED
    told: dict[str, str | int] = {"attempt": attempt, "worker": log.this_worker()}
    log.record(document, "taken_up" if attempt > 1 else "began", told)
    run = Run(document, watch)
    try:
        indexing.read_into_index(run)
    except DocumentLost:
        return JobState.CANCELLED
    except LeaseLost:
        raise
    except ProcessingStopped as error:
        _fail(document, error)
        return JobState.CANCELLED
    except (ExtractError, KnowledgeError) as error:
        logger.info("%s not read: %s", document.pk, error)
        return _fail(document, error)
    except Exception:  # the edge of the room: a person gets a sentence, the log the traceback
        logger.exception("%s not read", document.pk)
        return _fail(document, Internal())
    return JobState.DONE


def _fail(document: Document, error: ExtractError | KnowledgeError) -> JobState:
    """Put the reason on the row; a document that is being deleted meanwhile keeps going away."""
    with translation.override(settings.LANGUAGE_CODE):
        sentence = str(error.user_message)
    failed = Document.objects.filter(pk=document.pk, status__in=UNDER_WAY).update(
        status=DocumentStatus.FAILED,
        error_code=str(error.code),
        error_message=sentence,
        progress_done=0,
        progress_total=0,
        updated_at=timezone.now(),
    )
    if not failed:
        return JobState.CANCELLED
    _log_end(document, error, sentence)
    try:
        removal.remove_leftovers(document)
    except KnowledgeError as cleaning:  # not retrievable, and the next run or reconcile clears it
        logger.warning("%s: leftovers stay for now: %s", document.pk, cleaning)
    return JobState.FAILED


def _log_end(document: Document, error: ExtractError | KnowledgeError, sentence: str) -> None:
    if isinstance(error, ProcessingStopped):
        log.record(document, "stopped", level=log.Level.WARNING)
        return
    figures = error.params if isinstance(error, ExtractError) else {}
    told: dict[str, str | int] = {"error": str(error.code), "message": sentence}
    told |= {f"with_{name}": value for name, value in figures.items()}
    log.record(document, "failed", told, level=log.Level.ERROR)


def fail_document(job: Job) -> None:
    """Mark the document of a job that failed for good, or was stopped while its worker was away."""
    document = Document.objects.filter(pk=UUID(job.subject)).first()
    if document is None:
        return
    is_stopped = job.state == JobState.CANCELLED
    _fail(document, ProcessingStopped(str(job)) if is_stopped else WorkerLost(str(job)))


def fail_stuck(document: Document) -> None:
    """Mark a document failed that is said to be read while nobody does."""
    if not removal.live_jobs([document.pk]).exists():
        _fail(document, WorkerLost(f"{document.pk}: no job"))


def retry_document(document: Document, *, by: "User | None" = None) -> bool:
    """Queue a failed document again; False when there is nothing to try again."""
    return _enqueue_again(document, "retried", by, DocumentStatus.FAILED)


def process_again(document: Document, *, by: "User | None" = None) -> bool:
    """Queue a document that is ready or failed once more; the version before answers meanwhile."""
    return _enqueue_again(document, "again", by, DocumentStatus.READY, DocumentStatus.FAILED)


def _enqueue_again(document: Document, told: str, by: "User | None", *among: DocumentStatus) -> bool:
    with transaction.atomic():
        again = _queue_again(document, *among)
        if again:
            enqueue(document)
            log.record(document, told, stage=DocumentStatus.QUEUED, by=by)
    document.refresh_from_db()
    return again


def read_again(document: Document) -> Document:
    """Read a document that is ready or failed once more, in this thread."""
    if _queue_again(document, DocumentStatus.READY, DocumentStatus.FAILED):
        document.refresh_from_db()
        return ingest_now(document)
    return document


def _queue_again(document: Document, *among: DocumentStatus) -> bool:
    changed = Document.objects.filter(pk=document.pk, status__in=among).update(
        status=DocumentStatus.QUEUED,
        error_code="",
        error_message="",
        progress_done=0,
        progress_total=0,
        updated_at=timezone.now(),
    )
    return bool(changed)


def cancel_document(document: Document, *, by: "User | None" = None) -> None:
    """Stop reading a document: a waiting one at once, a running one within a step."""
    for job in removal.live_jobs([document.pk]):
        log.record(document, "stop", by=by)
        if worker.cancel(job.pk) == JobState.CANCELLED:
            _fail(document, ProcessingStopped(str(document.pk)))
