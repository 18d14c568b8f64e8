"""Why an address was not taken, in words: for the codes that a source's entries keep."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from knowledge.errors import KnowledgeError
from knowledge.extract.errors import build_error
from knowledge.extract.types import FailureCode
from knowledge.sources import folder_errors  # noqa: F401 - its classes are of the tree
from knowledge.sources.errors import SourceError

ALREADY_THERE = "duplicate"
_ALREADY_THERE = _("Same content as “%(name)s”, which the collection has already.")
_KINDS = {kind.code: kind for kind in SourceError.__subclasses__()}


def sentence(code: str, params: Mapping[str, str] | None = None) -> str:
    """Say in the active language why an address was not taken, by the code that is stored."""
    params = params or {}
    if code == ALREADY_THERE:
        return str(_ALREADY_THERE) % {"name": params.get("name", "")}
    if code in _KINDS:
        return _KINDS[code](params=params).user_message
    if code in set(FailureCode):
        figures = {name: int(value) if value.isdecimal() else value for name, value in params.items()}
        return build_error(FailureCode(code), figures).user_message
    others = {kind.code: kind.message for kind in KnowledgeError.__subclasses__()}
    return str(others.get(code, SourceError.message))
