"""Documents, their versions, and the chunks that are retrieved."""

import uuid
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.collections import Collection

if TYPE_CHECKING:
    pass


class DocumentStatus(models.TextChoices):
    """Where a document stands on its way into the index."""

    QUEUED = "queued", _("Queued")
    PARSING = "parsing", _("Reading text")
    EMBEDDING = "embedding", _("Embedding")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    DELETING = "deleting", _("Deleting")


def stored_file_name(document: "Document", name: str) -> str:
    """Return where a document's file is kept: never a name that a person chose; one a version."""
    version = f"-{document.version + 1}" if document.version else ""
    return f"{document.id.hex[:2]}/{document.id.hex}{version}{PurePath(name).suffix.lower()[:10]}"


class Document(models.Model):
    """One uploaded file, as it is newest.

    version: rises when it is read again; the chunks of older versions are removed after the new ones are
    in, unless a release holds them. While a newer file is read, or after it failed, the chunks of `version`
    go on answering. is_disabled: it stays, and nothing of it is in the draft. sha256: of the file's bytes.
    pages: None where the format has none. warnings: what of it was not read, as
    `knowledge.extract.errors.warning_message` says in words; is_partial: one of them says that text is
    missing. source, address: where it was taken from, if
    not uploaded.
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
    is_partial = models.BooleanField(default=False)
    chunk_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    is_disabled = models.BooleanField(default=False)
    source = models.ForeignKey(
        "knowledge.Source", null=True, blank=True, on_delete=models.SET_NULL, related_name="documents"
    )
    address = models.CharField(max_length=1000, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first; a file's bytes are found by collection and digest."""

        ordering: ClassVar[list[str]] = ["-created_at"]
        indexes: ClassVar[list[models.Index]] = [
            # all that the list asks before it knows its page's ids
            models.Index(
                fields=["collection", "-created_at", "id", "status", "is_disabled", "is_partial"],
                name="document_list",
            ),
            models.Index(fields=["collection", "sha256"], name="document_same"),
            models.Index(fields=["status"], name="document_status"),
        ]

    def __str__(self) -> str:
        """Show the title, else the file's name."""
        return self.title or self.name


class DocumentVersion(models.Model):
    """A document as it was read once: what its chunks of that version belong to.

    reason: why it was read. chunker: which rules cut it, to tell what an upgrade has made old.
    """

    class Reason(models.TextChoices):
        """Why a version was read."""

        UPLOAD = "upload", _("Uploaded")
        REPLACED = "replaced", _("New version uploaded")
        AGAIN = "again", _("Processed again")
        SOURCE = "source", _("Changed at its source")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    reason = models.CharField(max_length=10, choices=Reason.choices, default=Reason.UPLOAD)
    name = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    file = models.CharField(max_length=120)
    format = models.CharField(max_length=16, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveIntegerField(null=True, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    chunk_count = models.PositiveIntegerField(default=0)
    chunker = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "number"], name="document_version"),
        ]

    def __str__(self) -> str:
        """Show title and number."""
        return f"{self.title} ({self.number})"


class DocumentEvent(models.Model):
    """One line of a document's log.

    stage: a DocumentStatus, or what a person did. code, params: what `knowledge.log.sentence` says in words.
    """

    class Level(models.TextChoices):
        """How much it matters."""

        INFO = "info", _("Information")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Error")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    stage = models.CharField(max_length=16, blank=True)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        """As it happened."""

        ordering: ClassVar[list[str]] = ["pk"]

    def __str__(self) -> str:
        """Name document and code."""
        return f"{self.document_id} {self.code}"


class ChunkState(models.TextChoices):
    """Whether a chunk of a document's current version may answer."""

    LIVE = "live", _("On")
    OFF = "off", _("Off")
    REPLACED = "replaced", _("Edited")  # a later edition stands in its place


class Chunk(models.Model):
    """A piece of a document, as it is retrieved.

    key: the same in the vector store: sha256 of document id, version, ordinal and edition, 64 hex digits.
    text: as read, or as a person edited it (edition above 0; the one before is then REPLACED); heading: path
    of headings joined by " › "; sha256: of title, heading and text; read_sha256: of heading and text as
    they were read, by which edits are found again in a newer version. start: code point where the chunk
    begins in the document's whole text. The integer primary key is the row id in the word index.
    """

    key = models.CharField(max_length=64, unique=True)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    edition = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=ChunkState.choices, default=ChunkState.LIVE)
    text = models.TextField()
    heading = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    start = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    read_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        """A document's chunks in reading order."""

        ordering: ClassVar[list[str]] = ["document_id", "version", "ordinal", "edition"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "version", "ordinal", "edition"], name="chunk_place"),
        ]

    def __str__(self) -> str:
        """Name document and place."""
        return f"{self.document_id} {self.version}/{self.ordinal}"
