"""Golden questions: what a collection must find or must refuse, and how its draft and releases did."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection
from knowledge.models.documents import Document
from knowledge.models.releases import Release


class Expectation(models.TextChoices):
    """What must come of a golden question."""

    FIND = "find", _("Finds the document")
    REFUSE = "refuse", _("Is refused")


class Origin(models.TextChoices):
    """Where a golden question came from."""

    PERSON = "person", _("Written by a person")
    TEST = "test", _("Saved from a retrieval test")
    TRANSCRIPT = "transcript", _("Added from a conversation")


class GoldenQuestion(models.Model):
    """A question with what must come of it.

    document: which must be among the first five (None: it was deleted, or the question must be refused).
    quote: words that must stand in the passage found; may be empty. previous: the question before, for a
    follow-up. meaning: the same for the translations of one question.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="golden_questions")
    text = models.CharField(_("question"), max_length=2000)
    previous = models.CharField(_("question before"), max_length=2000, blank=True)
    language = models.CharField(max_length=12, blank=True)
    expectation = models.CharField(max_length=8, choices=Expectation.choices, default=Expectation.FIND)
    document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.SET_NULL, related_name="golden_questions"
    )
    quote = models.CharField(_("words that must be found"), max_length=500, blank=True)
    meaning = models.UUIDField(default=uuid.uuid4, db_index=True)
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.PERSON)
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """In the order they were written."""

        ordering: ClassVar[list[str]] = ["pk"]

    def __str__(self) -> str:
        """Show the question."""
        return self.text


class GoldenRun(models.Model):
    """All golden questions of a collection, asked of its draft or of a release.

    release: None for the draft. fingerprint: of the chunks asked, so that a page can tell whether the draft
    has changed since. checks: the gate's rules with their outcomes. finished_at: None while it runs.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="golden_runs")
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.CASCADE, related_name="runs")
    fingerprint = models.CharField(max_length=64, blank=True)
    checks = models.JSONField(default=list, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar[list[str]] = ["-pk"]

    def __str__(self) -> str:
        """Name collection and run."""
        return f"{self.collection_id} run {self.pk}"


class GoldenResult(models.Model):
    """What came of one golden question in one run.

    rank: of the expected document among the passages, from 1; None where it was not found. passages: the
    first ones as they were, to be shown side by side.
    """

    run = models.ForeignKey(GoldenRun, on_delete=models.CASCADE, related_name="results")
    question = models.ForeignKey(GoldenQuestion, on_delete=models.CASCADE, related_name="results")
    is_passed = models.BooleanField()
    is_answerable = models.BooleanField()
    rank = models.PositiveIntegerField(null=True, blank=True)
    confidence = models.FloatField(default=0.0)
    passages = models.JSONField(default=list, blank=True)

    class Meta:
        """A question is asked once in a run."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "question"], name="golden_result"),
        ]

    def __str__(self) -> str:
        """Name run and question."""
        return f"{self.run_id}:{self.question_id}"
