"""Which documents the published release of their collection holds, asked of many documents at once.

Chunk by chunk of each document: told as a join, SQLite walks through the whole release for each of them.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from knowledge.models import Chunk, Document, ReleaseChunk


def is_published() -> Exists:
    """Say of a document whether the published release of its collection holds any of it."""
    return Exists(_held_chunks())


def published(documents: Iterable[Document]) -> dict[UUID, bool]:
    """Which of these are published, by id: True where that is their newest version."""
    is_newest = Exists(_held_chunks().filter(version=OuterRef("version")))
    rows = Document.objects.filter(is_published(), pk__in=[document.pk for document in documents])
    return dict(rows.annotate(is_newest=is_newest).values_list("pk", "is_newest"))


def _held_chunks() -> QuerySet[Chunk]:
    of_it = OuterRef(OuterRef("collection__release"))
    member = ReleaseChunk.objects.filter(chunk=OuterRef("pk"), release=of_it)
    return Chunk.objects.filter(Exists(member), document=OuterRef("pk")).order_by()
