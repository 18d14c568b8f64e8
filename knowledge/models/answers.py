"""Approved answers: what staff wrote or approved, given word for word before any model runs."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection
from knowledge.models.documents import Document


class ApprovedAnswer(models.Model):
    """An answer to a question, with other ways to ask it.

    text: Markdown. wordings: other ways to ask the question. document: where it can be read up. vectors: of
    question and wordings, float32 one after another, made by `embedder`.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="approved_answers")
    question = models.CharField(_("question"), max_length=500)
    wordings = models.JSONField(_("other ways to ask it"), default=list, blank=True)
    text = models.TextField(_("answer"), max_length=8000)
    language = models.CharField(max_length=12, blank=True)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    is_active = models.BooleanField(default=True)
    vectors = models.BinaryField(default=bytes, blank=True)
    embedder = models.CharField(max_length=120, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar[list[str]] = ["-pk"]

    def __str__(self) -> str:
        """Show the question."""
        return self.question
