"""Where a collection draws the line between answering and refusing, and what that was measured from."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection


class Measured(models.TextChoices):
    """What a calibration was measured from."""

    GOLDEN = "golden", _("its golden questions")
    MADE = "made", _("questions made from its own documents")


class Calibration(models.Model):
    """A collection's threshold, with the points it was chosen from.

    threshold: in log odds, 0 where sites without measurements draw it. target: share of the answerable
    questions to keep. points: [{"threshold", "kept", "refused"}], rising. answerable, absent: questions
    asked. chunks: how many could answer then; questions: digest of the golden questions; stamp: of embedder
    and tokeniser. is_chosen: a person picked the target.
    """

    collection = models.OneToOneField(Collection, on_delete=models.CASCADE, related_name="calibration")
    threshold = models.FloatField(default=0.0)
    target = models.FloatField(default=0.95)
    points = models.JSONField(default=list, blank=True)
    answerable = models.PositiveIntegerField(default=0)
    absent = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=8, choices=Measured.choices, default=Measured.MADE)
    chunks = models.PositiveIntegerField(default=0)
    questions = models.CharField(max_length=64, blank=True)
    stamp = models.CharField(max_length=200, blank=True)
    is_chosen = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        """By collection."""

        ordering: ClassVar[list[str]] = ["collection_id"]

    def __str__(self) -> str:
        """Name collection and threshold."""
        return f"{self.collection_id} at {self.threshold:.2f}"
