"""Releases: what a collection's visitors get answers from, frozen chunk by chunk."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from knowledge.models.collections import Collection
from knowledge.models.documents import Chunk


class Release(models.Model):
    """A set of chunks that was published together.

    number: rises by one within a collection. parent: what was published before it. override_reason: why it
    was published though its golden questions held it; empty where they passed. chunks: all it answers from.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveIntegerField()
    chunks = models.ManyToManyField(Chunk, through="ReleaseChunk", related_name="releases")
    chunk_count = models.PositiveIntegerField(default=0)
    document_count = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=255, blank=True)
    override_reason = models.TextField(blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["collection", "number"], name="release_number"),
        ]

    def __str__(self) -> str:
        """Name collection and number."""
        return f"{self.collection} {self.number}"


class ReleaseChunk(models.Model):
    """One chunk of a release."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="members")
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        """A chunk is once in a release."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["release", "chunk"], name="release_chunk"),
        ]

    def __str__(self) -> str:
        """Name both."""
        return f"{self.release_id}:{self.chunk_id}"
