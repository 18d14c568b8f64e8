"""How a document looks in a list: pill, icon, one line on how far it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs import waiting
from jobs.models import Job, JobState
from jobs.waiting import Position
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


def build_rows(documents: list[Document], *, with_wait: bool = False) -> list[Row]:
    """Describe documents; asks the queue once, and only when one of them waits.

    with_wait: say too in how many seconds a waiting one probably starts.
    """
    queued = [str(one.pk) for one in documents if one.status == DocumentStatus.QUEUED]
    jobs = (
        list(Job.objects.filter(kind=JOB_KIND, state=JobState.QUEUED, subject__in=queued)) if queued else []
    )
    found: dict[str, Position | None] = {
        job.subject: place for job, place in waiting.places([] if with_wait else jobs).items()
    }
    if with_wait:
        found = {job.subject: waiting.position(job) for job in jobs}
    return [_row(document, found.get(str(document.pk))) for document in documents]


def _row(document: Document, place: Position | None) -> Row:
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


def _detail(document: Document, status: DocumentStatus, place: Position | None) -> str:
    done, total = document.progress_done, document.progress_total
    if status == DocumentStatus.QUEUED and place:
        return _in_line(place)
    if status == DocumentStatus.PARSING and total:
        return _("Page %(done)d of %(total)d") % {"done": done, "total": total}
    if status == DocumentStatus.EMBEDDING and total:
        return ngettext("%(done)d of %(total)d chunk", "%(done)d of %(total)d chunks", total) % {
            "done": done,
            "total": total,
        }
    return ""


def _in_line(place: Position) -> str:
    line = _("Next in line")
    if place.position > 1:
        line = _("Number %(place)d in line") % {"place": place.position}
    if place.eta_s is None:
        return line
    minutes = max(1, round(place.eta_s / 60))
    wait = ngettext("about %(count)d minute", "about %(count)d minutes", minutes) % {"count": minutes}
    return f"{line}, {_('less than a minute') if place.eta_s < 45 else wait}"
