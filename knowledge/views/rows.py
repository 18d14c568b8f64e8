"""How a document looks in a list: pill, icon, one line on how far it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.models import Job, JobState
from knowledge import failures
from knowledge.extract.errors import warning_message
from knowledge.listing import stamp
from knowledge.models import Document, DocumentStatus
from knowledge.removal import JOB_KIND
from knowledge.run import UNDER_WAY

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PILLS = {
    DocumentStatus.QUEUED: ("", "clock"),
    DocumentStatus.PARSING: ("pill-accent", "scan"),
    DocumentStatus.EMBEDDING: ("pill-accent", "wave"),
    DocumentStatus.READY: ("pill-ok", "ok"),
    DocumentStatus.FAILED: ("pill-none", "alert"),
    DocumentStatus.DELETING: ("", "trash"),
}
CAUSES = {
    "no_text": gettext_lazy("No text found"),
    "encrypted": gettext_lazy("Password protected"),
    "corrupt": gettext_lazy("Damaged file"),
    "type_mismatch": gettext_lazy("Not what its name says"),
    "bad_encoding": gettext_lazy("Unreadable letters"),
    "too_large": gettext_lazy("Too large"),
    "too_complex": gettext_lazy("Too complex"),
    "archive_bomb": gettext_lazy("Unsafe file"),
    "timeout": gettext_lazy("Took too long"),
    "cancelled": gettext_lazy("Stopped"),
}

HARMLESS = ("encoding_guessed", "pages_recognised")  # all of it was read


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a list. notes: what of a ready one was not read, a sentence each."""

    document: Document
    stamp: str
    pill: str
    icon: str
    label: "StrOrPromise"
    detail: str
    reason: str
    is_moving: bool
    is_failed: bool
    is_today: bool
    notes: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether answers may use it."""
        return self.document.status == DocumentStatus.READY

    @property
    def can_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.document.status in UNDER_WAY


def build_rows(documents: list[Document]) -> list[Row]:
    """Describe documents; asks the queue once, and only when one of them waits."""
    places = _places() if any(one.status == DocumentStatus.QUEUED for one in documents) else {}
    return [_row(document, places.get(str(document.pk), 0)) for document in documents]


def _places() -> dict[str, int]:
    waiting = Job.objects.filter(kind=JOB_KIND, state=JobState.QUEUED).order_by("priority", "created_at")
    return {subject: place for place, subject in enumerate(waiting.values_list("subject", flat=True), 1)}


def _row(document: Document, place: int) -> Row:
    status = DocumentStatus(document.status)
    pill, icon = PILLS[status]
    notes: tuple[str, ...] = ()
    label: StrOrPromise = status.label
    if status == DocumentStatus.READY and document.warnings:
        notes = tuple(warning_message(warning) for warning in document.warnings)
        if any(not warning.rpartition("\t")[2].startswith(HARMLESS) for warning in document.warnings):
            pill, icon, label = "pill-part", "info", _("Ready, in part")
    is_failed = status == DocumentStatus.FAILED
    is_stopped = is_failed and document.error_code == "cancelled"
    cause = CAUSES.get(document.error_code, _("Could not be read"))
    return Row(
        document=document,
        stamp=stamp(document),
        pill="" if is_stopped else pill,
        icon="stop" if is_stopped else icon,
        label=cause if is_failed else label,
        detail=_detail(document, status, place),
        reason=failures.reason(document) if is_failed else "",
        is_moving=status in UNDER_WAY or status == DocumentStatus.DELETING,
        is_failed=is_failed,
        is_today=timezone.localdate(document.updated_at) == timezone.localdate(),
        notes=notes,
    )


def _detail(document: Document, status: DocumentStatus, place: int) -> str:
    done, total = document.progress_done, document.progress_total
    if status == DocumentStatus.QUEUED and place:
        if place == 1:
            return _("Next in line")
        return _("Number %(place)d in line") % {"place": place}
    if status == DocumentStatus.PARSING and total:
        return _("Page %(done)d of %(total)d") % {"done": done, "total": total}
    if status == DocumentStatus.EMBEDDING and total:
        return ngettext("%(done)d of %(total)d chunk", "%(done)d of %(total)d chunks", total) % {
            "done": done,
            "total": total,
        }
    return ""
