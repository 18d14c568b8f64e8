"""Why a document failed, for people: cause and fix in the reader's language, and what is still used."""

from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from knowledge.errors import KnowledgeError, ProcessingStopped
from knowledge.extract.errors import ExtractError, build_error
from knowledge.models import Document, DocumentStatus

KINDS: dict[str, type[ExtractError] | type[KnowledgeError]] = {}
KINDS.update({str(kind.code): kind for kind in ExtractError.__subclasses__()})
KINDS.update({kind.code: kind for kind in KnowledgeError.__subclasses__()})


def sentence(code: str, stored: str, params: Mapping[str, str | int] | None = None) -> str:
    """Say why and what to do, in the active language.

    stored: the sentence as it was written in the site's language, kept where it holds figures of its own.
    params: those figures, where they were kept.
    """
    kind = KINDS.get(code)
    if kind is None:
        return stored
    if params and issubclass(kind, ExtractError):
        return build_error(code, params).user_message
    with override(settings.LANGUAGE_CODE):
        is_plain = str(kind.message) == stored
    return str(kind.message) if is_plain or not stored else stored


def reason(document: Document) -> str:
    """Say of a failed document what happened to which version, and what answers use all the same."""
    why = sentence(document.error_code, document.error_message)
    is_stopped = document.error_code == ProcessingStopped.code
    if not document.version:
        return f"{why} {_('Nothing of this file is used in answers.')}" if is_stopped else why
    if not is_stopped:
        failed = _("Version %(number)d could not be read.") % {"number": document.version + 1}
        why = f"{failed} {why}"
    return f"{why} {what_stands(document)}"


def what_stands(document: Document) -> str:
    """Say what becomes of the version before, while a newer one is read or after it failed."""
    if not document.version:
        return ""
    if document.is_disabled:
        return _("Version %(number)d stays as it is, switched off.") % {"number": document.version}
    if document.status == DocumentStatus.FAILED:
        return _("Version %(number)d is still used.") % {"number": document.version}
    return _("Version %(number)d is used until then.") % {"number": document.version}
