"""What can go wrong with documents and their indexes.

KnowledgeError            code knowledge_error
└── IndexUnavailable      index_unavailable    the vector store does not answer (retryable)

`str(error)` is for the log. `user_message` is shown to people, translated.
"""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class KnowledgeError(Exception):
    """Base of everything this room raises."""

    code = "knowledge_error"
    retryable = False
    user_message: "StrOrPromise" = _("Something went wrong with the documents. Try again.")


class IndexUnavailable(KnowledgeError):
    """The vector store does not answer, or not in time."""

    code = "index_unavailable"
    retryable = True
    user_message = _("The search index is not available right now. Try again in a minute.")
