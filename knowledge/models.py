"""Collections, the documents in them, and the chunks that are retrieved."""

import uuid
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Visibility(models.TextChoices):
    """Who may read a collection, and so get answers from it."""

    EVERYONE = "everyone", _("Everyone, also guests")
    SIGNED_IN = "signed_in", _("Signed-in people")
    GROUPS = "groups", _("The groups chosen below")


class Collection(models.Model):
    """Documents that belong together and share their readers."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    visibility = models.CharField(
        _("who may read it"), max_length=12, choices=Visibility.choices, default=Visibility.SIGNED_IN
    )
    readers = models.ManyToManyField(
        Group, blank=True, related_name="readable_collections", verbose_name=_("groups that may read it")
    )
    managers = models.ManyToManyField(
        Group,
        blank=True,
        related_name="managed_collections",
        verbose_name=_("groups that may change it"),
        help_text=_("Besides knowledge administrators, who may change every collection."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """In the order people look for them."""

        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    @property
    def index_name(self) -> str:
        """Name of its collection in the vector store, stable for its life."""
        return f"collection-{self.pk}"


class DocumentStatus(models.TextChoices):
    """Where a document stands on its way into the index."""

    QUEUED = "queued", _("Queued")
    PARSING = "parsing", _("Reading text")
    EMBEDDING = "embedding", _("Embedding")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    DELETING = "deleting", _("Deleting")


def stored_file_name(document: "Document", name: str) -> str:
    """Return where a document's file is kept: never a name that a person chose."""
    return f"{document.id.hex[:2]}/{document.id.hex}{PurePath(name).suffix.lower()[:10]}"


class Document(models.Model):
    """One uploaded file.

    version: rises when the file is read again; the chunks of older versions are removed after the
    new ones are in. sha256: of the file's bytes. pages: None where the format has none. warnings: what of it
    was not read, as `knowledge.extract.errors.warning_message` says in words.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="documents")
    name = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    file = models.FileField(upload_to=stored_file_name, max_length=120)
    format = models.CharField(max_length=16, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=DocumentStatus.choices, default=DocumentStatus.QUEUED)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(null=True, blank=True)
    language = models.CharField(max_length=12, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    chunk_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first; a file's bytes are found by collection and digest."""

        ordering: ClassVar[list[str]] = ["-created_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["collection", "-created_at"], name="document_list"),
            models.Index(fields=["collection", "sha256"], name="document_same"),
            models.Index(fields=["status"], name="document_status"),
        ]

    def __str__(self) -> str:
        """Show the title, else the file's name."""
        return self.title or self.name

    @property
    def status_label(self) -> "StrOrPromise":
        """What a person reads."""
        return DocumentStatus(self.status).label


class Chunk(models.Model):
    """A piece of a document, as it is retrieved.

    key: the same in the vector store: sha256 of document id, version and ordinal, 64 hex digits.
    text: as read; heading: path of headings joined by " › "; sha256: of title, heading and text.
    start: code point where the chunk begins in the document's whole text. The integer primary key
    is the row id in the word index.
    """

    key = models.CharField(max_length=64, unique=True)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    start = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)

    class Meta:
        """A document's chunks in reading order."""

        ordering: ClassVar[list[str]] = ["document_id", "version", "ordinal"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "version", "ordinal"], name="chunk_place"),
        ]

    def __str__(self) -> str:
        """Name document and place."""
        return f"{self.document_id} {self.version}/{self.ordinal}"
