"""The log of a document: what happened to it, written as it happens and worded when it is shown.

A line is written after the commit of what it tells, in a statement of its own, and a line that cannot be
written is a line in the server's log: no reading fails for it, and nobody waits on a lock for it.
"""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from knowledge import failures
from knowledge.extract.errors import warning_message
from knowledge.models import Document, DocumentEvent

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from accounts.models import User

logger = logging.getLogger(__name__)

KEPT: Final = 200  # lines of a document
Level = DocumentEvent.Level
Params = Mapping[str, "str | int | float"]


def record(
    document: Document,
    code: str,
    params: Params = MappingProxyType({}),
    *,
    stage: str = "",
    level: DocumentEvent.Level = Level.INFO,
    by: "User | None" = None,
) -> None:
    """Add a line to a document's log once the transaction around it is committed; never raises for it."""
    transaction.on_commit(
        partial(_write, document.pk, code, stage or document.status, level, by.pk if by else None, params)
    )


def _write(
    document_id: UUID, code: str, stage: str, level: DocumentEvent.Level, user_id: int | None, params: Params
) -> None:
    try:
        DocumentEvent.objects.create(
            document_id=document_id, code=code, stage=stage, level=level, user_id=user_id, params=dict(params)
        )
        _forget_old(document_id)
    except DatabaseError as exc:  # the document may be gone, the database busy: the work goes on
        logger.warning("%s: %s is not in its log: %s", document_id, code, exc)


def _forget_old(document_id: UUID) -> None:
    lines = DocumentEvent.objects.filter(document=document_id)
    over = lines.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
    if newest_over := over.first():
        lines.filter(pk__lte=newest_over).delete()


def this_worker() -> str:
    """Name the process that reads, as an administrator finds it: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def sentence(event: DocumentEvent) -> str:
    """Say a line in the active language; an unknown one by its code."""
    params: dict[str, str | int | float] = event.params or {}
    if build := _BUILT.get(event.code):
        return build(params)
    plain = _PLAIN.get(event.code)
    if plain is None:
        return event.code
    try:
        return str(plain) % params
    except (KeyError, TypeError, ValueError):  # a line of another release of this software
        return event.code


_PLAIN: "dict[str, StrOrPromise]" = {
    "uploaded": gettext_lazy("Uploaded as “%(name)s” and queued."),
    "replaced": gettext_lazy("A newer file, “%(name)s”, was uploaded and queued."),
    "retried": gettext_lazy("Queued to be tried again."),
    "again": gettext_lazy("Queued to be processed again."),
    "began": gettext_lazy("Reading began on %(worker)s."),
    "taken_up": gettext_lazy(
        "Taken up again on %(worker)s after the worker before went away (attempt %(attempt)d)."
    ),
    "published": gettext_lazy("Ready as version %(version)d."),
    "stop": gettext_lazy("Asked to stop."),
    "stopped": gettext_lazy("Processing was stopped."),
    "disabled": gettext_lazy("Disabled: new answers no longer use it."),
    "enabled": gettext_lazy("Enabled again."),
    "moved": gettext_lazy("Moved from “%(before)s” to “%(after)s”."),
    "not_moved": gettext_lazy("Not moved to “%(after)s”."),
    "chunk_edited": gettext_lazy("Chunk %(number)d was edited."),
    "chunk_restored": gettext_lazy("The edit of chunk %(number)d was taken back."),
    "chunk_off": gettext_lazy("Chunk %(number)d was switched off."),
    "chunk_on": gettext_lazy("Chunk %(number)d was switched on."),
}


def _seconds(params: Params) -> str:
    return f"{float(params.get('seconds', 0)):.1f}"


def _number(params: Params, name: str) -> int:
    value = params.get(name, 0)
    return value if isinstance(value, int) else 0


def _parsed(params: Params) -> str:
    sections = _number(params, "sections")
    text = ngettext("%(count)d section", "%(count)d sections", sections) % {"count": sections}
    if pages := _number(params, "pages"):
        read = ngettext("%(count)d page", "%(count)d pages", pages) % {"count": pages}
        text = _("%(pages)s, %(sections)s") % {"pages": read, "sections": text}
    return _("Text read in %(seconds)s s: %(what)s.") % {"seconds": _seconds(params), "what": text}


def _chunks(params: Params) -> str:
    fresh, taken, edits = (_number(params, name) for name in ("new", "taken_over", "edits"))
    parts = [ngettext("%(count)d new chunk.", "%(count)d new chunks.", fresh) % {"count": fresh}]
    if taken:
        said = ngettext(
            "%(count)d chunk is the same as in version %(version)d.",
            "%(count)d chunks are the same as in version %(version)d.",
            taken,
        )
        parts.append(said % {"count": taken, "version": _number(params, "version")})
    if edits:
        said = ngettext(
            "%(count)d change made by hand was carried over.",
            "%(count)d changes made by hand were carried over.",
            edits,
        )
        parts.append(said % {"count": edits})
    return " ".join(parts)


def _embedded(params: Params) -> str:
    count = _number(params, "count")
    said = ngettext(
        "%(count)d chunk embedded in %(seconds)s s.", "%(count)d chunks embedded in %(seconds)s s.", count
    )
    return said % {"count": count, "seconds": _seconds(params)}


def _failed(params: Params) -> str:
    figures = {
        name.removeprefix("with_"): value
        for name, value in params.items()
        if name.startswith("with_") and isinstance(value, str | int)
    }
    return failures.sentence(str(params.get("error", "")), str(params.get("message", "")), figures)


def _warning(params: Params) -> str:
    return warning_message(str(params.get("warning", "")))


_BUILT: dict[str, Callable[[Params], str]] = {
    "parsed": _parsed,
    "chunks": _chunks,
    "embedded": _embedded,
    "failed": _failed,
    "warning": _warning,
}
