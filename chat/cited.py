"""Which documents finished replies cited: an index of what the replies' own rows say.

The sources of a reply are JSON on its row, which no database searches fast in the same way; so each cited
source is a small row here, written when the reply ends.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import DatabaseError, close_old_connections, models, transaction
from django.db.models import Count

from chat.events import CitationItem, SourceItem

if TYPE_CHECKING:
    from chat.models import Message

logger = logging.getLogger(__name__)


class CitedSource(models.Model):
    """A source that a reply cites at least once.

    n: its number in the reply. document: its id, also after it was deleted. chunk_sha256: what it said,
    the same in every version that says it. created_at: of the reply.
    """

    message = models.ForeignKey("chat.Message", on_delete=models.CASCADE, related_name="cited_sources")
    n = models.PositiveSmallIntegerField()
    document = models.UUIDField()
    chunk_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        """A document's newest first."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["document", "-created_at", "message"], name="cited_document"),
            models.Index(fields=["document", "chunk_sha256", "message"], name="cited_chunk"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "n"], name="cited_once"),
        ]

    def __str__(self) -> str:
        """Name reply and source."""
        return f"{self.message_id} [{self.n}]"


def rows_of(
    reply: "Message", cited: Sequence[CitationItem], sources: Sequence[SourceItem]
) -> list[CitedSource]:
    """Return the unsaved rows of a reply, one a cited source."""
    numbers = {citation["n"] for citation in cited}
    return [
        CitedSource(
            message_id=reply.pk,
            n=source["n"],
            document=UUID(source["document"]),
            chunk_sha256=source.get("chunk_sha256", ""),
            created_at=reply.created_at,
        )
        for source in sources
        if source["n"] in numbers
    ]


def remember(reply: "Message", cited: Sequence[CitationItem], sources: Sequence[SourceItem]) -> None:
    """Keep what a reply that is over cites; it is over also when this cannot be written."""
    rows = rows_of(reply, cited, sources)
    if not rows:
        return
    try:
        with transaction.atomic():
            CitedSource.objects.bulk_create(rows, ignore_conflicts=True)
    except DatabaseError as exc:  # the reply may have been deleted, the database be busy
        logger.warning("reply %s: what it cites is not counted: %s", reply.pk, exc)
    close_old_connections()  # the writer of a reply holds no connection of the pool


def citing(document_id: UUID) -> "models.QuerySet[CitedSource, tuple[datetime, UUID]]":
    """Times and ids of the replies that cite a document, newest first; read from the index alone."""
    rows = CitedSource.objects.filter(document=document_id).order_by("-created_at", "message")
    return rows.values_list("created_at", "message").distinct()


def count_replies(document_id: UUID) -> int:
    """Count the replies that cite a document."""
    return CitedSource.objects.filter(document=document_id).values("message").distinct().count()


def count_by_text(document_id: UUID, sha256s: Sequence[str]) -> dict[str, int]:
    """Count the replies that cite each of these texts of a document."""
    rows = CitedSource.objects.filter(document=document_id, chunk_sha256__in=sha256s)
    return dict(rows.order_by().values_list("chunk_sha256").annotate(Count("message", distinct=True)))
