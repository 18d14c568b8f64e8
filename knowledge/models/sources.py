"""Sources: a web page, a web site or a folder that documents are taken from, again and again."""

import hashlib
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection
from knowledge.models.documents import Document


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


class EntryState(models.TextChoices):
    """What became of one address when the source was looked at last."""

    READ = "read", _("Read")
    LEFT_OUT = "left_out", _("Left out")
    FAILED = "failed", _("Could not be read")
    GONE = "gone", _("Gone")


class SourceEntry(models.Model):
    """What is known of one page or file of a source.

    key: sha256 of the address. change: of a READ one, what the last run found: new, changed, moved, same.
    code, params: why it was not read; `knowledge.sources.reasons.sentence` says it in words. etag, modified:
    the server's own words, sent back to ask whether it changed. digest: of a page's main text, or of a
    file's bytes. size_bytes, mtime_ns: of a file in a folder. links: addresses a page leads to. was_added:
    it had a document once. checked_at: when it was looked at last.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="entries")
    key = models.CharField(max_length=64)
    address = models.CharField(max_length=1000)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=EntryState.choices, default=EntryState.READ)
    change = models.CharField(max_length=8, blank=True)
    code = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    modified = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    mtime_ns = models.BigIntegerField(default=0)
    links = models.JSONField(default=list, blank=True)
    was_added = models.BooleanField(default=False)
    checked_at = models.DateTimeField()

    class Meta:
        """An address once a source; found by state, and by digest."""

        ordering: ClassVar[list[str]] = ["address"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["source", "state"], name="source_entry_state"),
            models.Index(fields=["source", "digest"], name="source_entry_same"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "key"], name="source_entry"),
        ]

    def __str__(self) -> str:
        """Show the address."""
        return self.address

    @staticmethod
    def key_of(address: str) -> str:
        """Return the key of an address."""
        return hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()
