"""The verbs of a release: publish the draft, roll back, give releases up, and forget old ones.

A release is a set of chunks. Publishing copies the draft's set in one statement; rolling back moves one
pointer. Whether the draft may be published is the gate's business (gate.py).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import Max

from knowledge.errors import NothingLeft, NothingToPublish
from knowledge.models import Collection, Document, Release, ReleaseChunk
from knowledge.removal import remove_leftovers
from knowledge.scope import chunks_answering, draft_chunks, of

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
KEPT: Final = 10  # releases that can be rolled back to, the published one among them


def publish(
    collection: Collection,
    *,
    by: "User | None",
    note: str = "",
    override_reason: str = "",
    check: Callable[[Release], None] | None = None,
) -> Release:
    """Make the draft the next release and answer from it.

    check: called with the release before anybody sees it; what it raises, takes it back.
    Raises: NothingToPublish, IndexUnavailable.
    """
    with transaction.atomic():
        locked = Collection.objects.select_for_update().get(pk=collection.pk)
        newest = locked.releases.aggregate(newest=Max("number"))["newest"] or 0
        release = Release.objects.create(
            collection=locked,
            number=newest + 1,
            published_by=by,
            note=note,
            override_reason=override_reason,
        )
        _fill(release)
        if not release.chunk_count:
            raise NothingToPublish(locked.slug)
        if check:
            check(release)
        release.save(update_fields=["chunk_count", "document_count"])
        Collection.objects.filter(pk=locked.pk).update(release=release)
    collection.release = release
    logger.info("%s answers from release %s", collection.slug, release.number)
    forget_old(collection)
    return release


def roll_back(collection: Collection, release: Release) -> None:
    """Answer from another release again; the draft stays as it is. Raises: NothingLeft."""
    if not chunks_answering([collection], of(release)).exists():
        raise NothingLeft(release.number)
    Collection.objects.filter(pk=collection.pk, pk__in=[release.collection_id]).update(release=release)
    collection.release = release
    logger.info("%s answers from release %s again", collection.slug, release.number)


def stop_releases(collection: Collection) -> None:
    """Answer from every ready document at once; the releases stay and can be gone back to."""
    Collection.objects.filter(pk=collection.pk).update(release=None)
    collection.release = None


def forget_old(collection: Collection) -> None:
    """Remove releases beyond those kept, and the chunks only they held. Raises: IndexUnavailable."""
    kept = list(collection.releases.values_list("pk", flat=True)[:KEPT])
    old = collection.releases.exclude(pk__in=[*kept, collection.release_id])
    if not old.exists():
        return
    held = Document.objects.filter(chunks__releases__in=old).distinct()
    documents = list(held.select_related("collection"))
    old.delete()
    for document in documents:
        remove_leftovers(document)


def _fill(release: Release) -> None:
    """Copy the draft into a release in the database, however large it is."""
    chunks = draft_chunks(release.collection).order_by().values("id")
    sql, params = chunks.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO knowledge_releasechunk (release_id, chunk_id) "  # noqa: S608 - our own query
            f"SELECT %s, draft.id FROM ({sql}) AS draft",
            [release.pk, *params],
        )
        release.chunk_count = cursor.rowcount
    members = ReleaseChunk.objects.filter(release=release)
    release.document_count = members.order_by().values("chunk__document").distinct().count()
