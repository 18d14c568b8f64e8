"""Why a document or collection was refused or could not be worked on.

KnowledgeError            code knowledge_error
├── Duplicate             code duplicate         the collection holds the same content already
├── StorageFull           code storage_full      the disk has no room for more files
├── DocumentLost          code document_lost     the document was deleted while it was being read
├── ProcessingStopped     code cancelled         somebody stopped it
├── KeptInStep            code kept_in_step      a source keeps the document as it is there
├── InRelease             code in_release        visitors get answers from the document now
├── StillReading          code still_reading     the document is being read; one thing after another
├── NothingToPublish      code nothing_to_publish the draft holds no text
├── NothingLeft           code nothing_left      all documents of the release were deleted or moved away
├── AlreadyLive           code already_live      the draft is what visitors get already
├── GateHeld              code gate_held          the draft has not passed its trial
├── DraftChanged          code draft_changed      the draft changed while it was being published (retryable)
├── NotEditable           code not_editable      the chunk was replaced, or belongs to an older version
├── EmbeddingFailed       code embedding_failed  the embedding model did not answer (retryable)
├── IndexUnavailable      code index_unavailable the vector store did not answer (retryable)
├── WorkerLost            code worker_lost       the process that read it went away (retryable)
└── Internal              code internal          our mistake; the traceback is in the log (retryable)

Why a file cannot become text has a tree of its own: knowledge/extract/errors.py.
"""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _


class KnowledgeError(Exception):
    """Base of what the verbs of this room raise; `str(error)` is for the log."""

    code: ClassVar[str] = "knowledge_error"
    retryable: ClassVar[bool] = False
    message: ClassVar[str | Promise] = _("This did not work. Try again.")

    @property
    def user_message(self) -> str:
        """Return what the person can do about it, in the active language."""
        return str(self.message)


class Duplicate(KnowledgeError):
    """The collection holds a file with the same content; `other` names it."""

    code = "duplicate"

    def __init__(self, document_id: str, other: str) -> None:
        self.document_id = document_id
        self.other = other
        super().__init__(f"same content as {document_id}")

    @property
    def user_message(self) -> str:
        """Name the other file."""
        return translate("Same content as “%(name)s”. Nothing was added.") % {"name": self.other}


class StorageFull(KnowledgeError):
    """The disk has no room for more files."""

    code = "storage_full"
    message = _("There is no room for more files on the server. Tell an administrator.")


class DocumentLost(KnowledgeError):
    """The document was deleted, or belongs to another run now."""

    code = "document_lost"


class ProcessingStopped(KnowledgeError):
    """Somebody stopped it."""

    code = "cancelled"
    message = _("Processing was stopped.")


class StillReading(KnowledgeError):
    """The document is being read."""

    code = "still_reading"
    retryable = True
    message = _("This document is being read right now. Try again when it is ready.")


class KeptInStep(KnowledgeError):
    """A source of its collection brings the document, and would bring it again."""

    code = "kept_in_step"
    message = _("A source of its collection keeps it up to date. Follow that source from the other one.")


class InRelease(KnowledgeError):
    """The published release holds the document."""

    code = "in_release"
    message = _("Visitors get answers from it now. Tick the box to move it all the same.")


class NothingToPublish(KnowledgeError):
    """The draft is empty."""

    code = "nothing_to_publish"
    message = _("There is nothing to publish: no document of this collection has text that is switched on.")


class NothingLeft(KnowledgeError):
    """No chunk of the release is there any more."""

    code = "nothing_left"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"release {number} holds nothing")

    @property
    def user_message(self) -> str:
        """Name the release."""
        said = translate(
            "There is nothing left in release %(number)d: its documents were deleted or moved. "
            "Choose another release."
        )
        return said % {"number": self.number}


class AlreadyLive(KnowledgeError):
    """Nothing differs between the draft and the published release."""

    code = "already_live"
    message = _("This draft is live already: nothing has changed since it was published.")


class GateHeld(KnowledgeError):
    """The draft is held, and nobody said why it should go live all the same."""

    code = "gate_held"
    message = _("This draft has not passed. Run the check again, or publish it with a reason.")


class DraftChanged(KnowledgeError):
    """The draft is not what was tried."""

    code = "draft_changed"
    retryable = True
    message = _("The draft changed meanwhile, so nothing was published. Run the check again.")


class NotEditable(KnowledgeError):
    """The chunk is not the newest any more."""

    code = "not_editable"
    message = _("This passage has changed meanwhile. Load the page again.")


class EmbeddingFailed(KnowledgeError):
    """The embedding model did not answer."""

    code = "embedding_failed"
    retryable = True
    message = _("The embedding model is not available right now. Try again in a minute.")


class IndexUnavailable(KnowledgeError):
    """The vector store did not answer."""

    code = "index_unavailable"
    retryable = True
    message = _("The search index is not available right now. Try again in a minute.")


class WorkerLost(KnowledgeError):
    """The process that was reading went away, more than once."""

    code = "worker_lost"
    retryable = True
    message = _("Processing was interrupted. Try again.")


class Internal(KnowledgeError):
    """Our mistake; the log has the traceback."""

    code = "internal"
    retryable = True
    message = _("Something went wrong on our side. Try again; if it happens again, tell an administrator.")
