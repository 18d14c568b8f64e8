"""Summaries of documents and collections, written by the engine in the background."""

from typing import ClassVar

from django.db import models

from knowledge.models.collections import Collection
from knowledge.models.documents import Document


class Summary(models.Model):
    """A summary of one document, or of a collection; one of the two is set.

    text: Markdown, with [n] for the n-th of `passages` (chunk id, page, heading). engine, model: who wrote
    it; "extractive" where there is no model. of: fingerprint of what was summarised, to tell if it is old;
    version: of the document at that time. left_out: passages (of a collection: documents) it was too long
    for. job: who may write; work: what the next step goes on from, as `knowledge.summaries.work` keeps it.
    """

    document = models.OneToOneField(
        Document, null=True, blank=True, on_delete=models.CASCADE, related_name="summary"
    )
    collection = models.OneToOneField(
        Collection, null=True, blank=True, on_delete=models.CASCADE, related_name="summary"
    )
    language = models.CharField(max_length=12, blank=True)
    text = models.TextField(blank=True)
    passages = models.JSONField(default=list, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=200, blank=True)
    of = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(null=True, blank=True)
    left_out = models.PositiveIntegerField(default=0)
    job = models.UUIDField(null=True, blank=True)
    work = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A summary is of one thing."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(document=None) ^ models.Q(collection=None), name="summary_of_one"
            ),
        ]

    def __str__(self) -> str:
        """Name what it is of."""
        return f"summary of {self.document_id or self.collection_id}"
