"""The verbs that change what a collection's draft holds of a document: a newer file, off, on."""

import logging
from typing import TYPE_CHECKING

from django.core.files import File
from django.db import transaction
from django.utils import timezone

from knowledge import log
from knowledge.errors import StillReading
from knowledge.extract.formats import format_of
from knowledge.ingest import check_file, enqueue, refuse_duplicate
from knowledge.models import Document, DocumentStatus
from knowledge.names import clean_file_name
from knowledge.removal import remove_file

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
SETTLED = (DocumentStatus.READY, DocumentStatus.FAILED)


def replace_document(
    document: Document, name: str, file: "File[bytes]", *, owner: "User | None" = None, queue: bool = True
) -> Document:
    """Give a document a newer file and queue it for reading; until it is ready the version before answers.

    queue: False leaves the reading to the caller (`ingest.ingest_now`).
    Raises: extract.errors.UnsupportedType, EmptyFile, TooLarge; Duplicate, also where the file is the same;
    StorageFull, StillReading.
    """
    name = clean_file_name(name)
    size_bytes, sha256 = check_file(name, file)
    before = document.file.name or ""
    fresh = Document(id=document.pk, version=document.version)
    try:
        with transaction.atomic():
            refuse_duplicate(document.collection, sha256)
            fresh.file.save(name, file, save=False)
            if not Document.objects.filter(pk=document.pk, status__in=SETTLED).update(
                status=DocumentStatus.QUEUED,
                name=name,
                file=fresh.file.name,
                format=format_of(name).name,
                size_bytes=size_bytes,
                sha256=sha256,
                error_code="",
                error_message="",
                progress_done=0,
                progress_total=0,
                updated_at=timezone.now(),
                **({"owner": owner} if owner else {}),
            ):
                raise StillReading(str(document.pk))
            document.refresh_from_db()
            if queue:
                enqueue(document)
            log.record(document, "replaced", {"name": name}, by=owner)
    except BaseException:
        if fresh.file._committed:  # type: ignore[attr-defined]
            remove_file(document, fresh.file.name or "")
        raise
    remove_file(document, before)
    logger.info("document %s has a newer file", document.pk)
    return document


def enable_document(document: Document, *, is_on: bool, by: "User | None" = None) -> None:
    """Take a document into the draft, or out of it; its text and its place in releases stay."""
    changed = Document.objects.filter(pk=document.pk, is_disabled=is_on)
    if changed.update(is_disabled=not is_on, updated_at=timezone.now()):
        log.record(document, "enabled" if is_on else "disabled", by=by)
    document.is_disabled = not is_on
