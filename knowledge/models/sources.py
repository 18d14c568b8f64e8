"""Sources: a web page, a web site or a folder that documents are taken from, again and again."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection


class SourceKind(models.TextChoices):
    """What is followed."""

    PAGE = "page", _("Web page")
    SITE = "site", _("Web site")
    FOLDER = "folder", _("Folder on the server")


class Source(models.Model):
    """A place that documents are taken from.

    address: a URL, or a folder's path under one that the operator allows. depth: links followed from a
    site's first page. refresh_hours: 0 for only by hand. outcome: counts of what the last run found new,
    changed, gone, left out; with reasons.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=8, choices=SourceKind.choices)
    address = models.CharField(_("address"), max_length=1000)
    depth = models.PositiveSmallIntegerField(_("how many links deep"), default=2)
    page_limit = models.PositiveIntegerField(_("pages at most"), default=100)
    refresh_hours = models.PositiveIntegerField(_("look again every … hours"), default=24)
    is_active = models.BooleanField(default=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    outcome = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """In the order they were added; an address once a collection."""

        ordering: ClassVar[list[str]] = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["collection", "address"], name="source_address"),
        ]

    def __str__(self) -> str:
        """Show the address."""
        return self.address
