"""A row of the list: how a document looks, what of it is published, in what language it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from knowledge.models import Document, DocumentEvent, DocumentStatus
from knowledge.moving import moving_documents
from knowledge.published import published
from knowledge.views.rows import Row, build_rows
from knowledge.views.standing import language_name

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MEASURED_S = 3.0  # before that, how long it takes is a guess


@dataclass(frozen=True, slots=True)
class ListRow:
    """One document of the list. row: as everywhere; the rest as the list says it."""

    row: Row
    pill: str
    icon: str
    label: "StrOrPromise"
    detail: str
    facts: tuple[str, ...]
    is_moving: bool

    @property
    def document(self) -> Document:
        """The document."""
        return self.row.document


def build_list_rows(documents: Sequence[Document]) -> list[ListRow]:
    """Describe documents for the list; as many questions for a full page as for one."""
    rows = build_rows(list(documents))
    leaving = moving_documents() if documents else set()
    in_releases = [one for one in documents if one.collection.release_id]
    held = published(in_releases) if in_releases else {}
    left_s = _seconds_left([one for one in documents if one.status == DocumentStatus.EMBEDDING])
    return [_list_row(row, leaving, held, left_s.get(row.document.pk)) for row in rows]


def _list_row(row: Row, leaving: set[UUID], held: dict[UUID, bool], left_s: float | None) -> ListRow:
    document = row.document
    pill, icon, label, detail = row.pill, row.icon, row.label, row.detail
    is_leaving = document.pk in leaving
    if is_leaving:
        pill, icon, label = "pill-accent", "exit", _("Being moved")
    elif document.is_disabled and not row.is_moving:
        pill, icon, label = "", "eyeoff", _("Disabled")
        detail = _("Still in the published release") if document.pk in held else ""
    elif row.is_ready and document.collection.release_id:
        if not row.notes:
            pill, icon, label = ("pill-ok", "ok", _("Published")) if document.pk in held else DRAFT
        if not held.get(document.pk, True):
            detail = _("Version %(number)d is in the draft") % {"number": document.version}
    elif left_s is not None:
        detail = f"{detail}, {_about(left_s)}"
    facts = (_version(document), language_name(document.language))
    return ListRow(
        row=row,
        pill=pill,
        icon=icon,
        label=label,
        detail=detail,
        facts=tuple(fact for fact in facts if fact),
        is_moving=row.is_moving or is_leaving,
    )


DRAFT = ("pill-line", "note", _("Draft"))


def _version(document: Document) -> str:
    return _("Version %(number)d") % {"number": document.version} if document.version else ""


def _seconds_left(documents: Sequence[Document]) -> dict[UUID, float]:
    """How long embedding probably still takes, by how long it took so far."""
    if not documents:
        return {}
    events = DocumentEvent.objects.filter(document__in=documents, code="chunks").order_by("pk")
    began = dict(events.values_list("document", "at"))
    now = timezone.now()
    left: dict[UUID, float] = {}
    for document in documents:
        done, total = document.progress_done, document.progress_total
        if document.pk in began and 0 < done <= total:
            took_s = (now - began[document.pk]).total_seconds()
            if took_s >= MEASURED_S:
                left[document.pk] = took_s / done * (total - done)
    return left


def _about(seconds: float) -> str:
    if seconds < 45:
        return _("less than a minute")
    minutes = max(1, round(seconds / 60))
    return ngettext("about %(count)d minute", "about %(count)d minutes", minutes) % {"count": minutes}
