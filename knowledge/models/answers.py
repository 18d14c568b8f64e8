"""Approved answers: what staff wrote or approved, given word for word before any model runs."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection
from knowledge.models.documents import Document


class ApprovedAnswer(models.Model):
    """An answer to a question, with other ways to ask it.

    text: Markdown. wordings: other ways to ask the question. document: where it can be read up. approved_by,
    approved_at: who wrote or changed it last, and when.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="approved_answers")
    question = models.CharField(_("question"), max_length=500)
    wordings = models.JSONField(_("other ways to ask it"), default=list, blank=True)
    text = models.TextField(_("answer"), max_length=8000)
    language = models.CharField(max_length=12, blank=True)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    is_active = models.BooleanField(default=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first; the active ones of a collection are counted at every question."""

        ordering: ClassVar[list[str]] = ["-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["collection", "is_active", "updated_at"], name="approved_answer_stamp"),
        ]

    def __str__(self) -> str:
        """Show the question."""
        return self.question

    @property
    def language_name(self) -> str:
        """The language as it calls itself; "" for any."""
        return get_language_info(self.language)["name_local"] if self.language else ""
