"""How a source looks in a list: pill, icon, one line on how far a look is and what the last one found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from jobs.models import Job, JobState
from knowledge.models import EntryState, Source, SourceEntry, SourceKind
from knowledge.sources.looks import live_jobs
from knowledge.sources.reasons import sentence

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ICONS = {SourceKind.PAGE: "doc", SourceKind.SITE: "globe", SourceKind.FOLDER: "archive"}
STOPPED = "cancelled"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source of a list. counts: what the last look found, in words."""

    source: Source
    icon: str
    pill: str
    pill_icon: str
    label: "StrOrPromise"
    detail: str
    reason: str
    counts: list[str]
    documents: int
    job: Job | None

    @property
    def is_live(self) -> bool:
        """Whether somebody looks at it, or is about to."""
        return self.job is not None

    @property
    def stamp(self) -> str:
        """What changes when the row looks different."""
        job = f"{self.job.state}-{self.job.progress_done}-{self.job.progress_total}" if self.job else "idle"
        return f"{self.source.pk}-{job}-{self.source.last_run_at}-{self.documents}"


def build_source_rows(sources: list[Source]) -> list[SourceRow]:
    """Describe sources, with three questions to the database however many there are."""
    jobs = live_jobs(sources)
    counted = (
        Source.objects.filter(pk__in=[source.pk for source in sources])
        .annotate(held=Count("documents"))
        .values_list("pk", "held")
    )
    held = dict(counted)
    return [_row(source, jobs.get(source.pk), held.get(source.pk, 0)) for source in sources]


def _row(source: Source, job: Job | None, documents: int) -> SourceRow:
    pill, icon, label = _state(source, job)
    is_bad = bool(source.error_code) and job is None
    return SourceRow(
        source=source,
        icon=ICONS[SourceKind(source.kind)],
        pill=pill,
        pill_icon=icon,
        label=label,
        detail=_progress(job) if job else "",
        reason=_reason(source) if is_bad else "",
        counts=_counts(source),
        documents=documents,
        job=job,
    )


def _state(source: Source, job: Job | None) -> tuple[str, str, "StrOrPromise"]:
    if job is not None:
        if job.state == JobState.QUEUED:
            return "", "clock", _("Waiting")
        return "pill-accent", "scan", _("Looking")
    if source.error_code == STOPPED:
        return "", "stop", _("Stopped")
    if source.error_code:
        return "pill-none", "alert", _("Could not be read")
    if not source.is_active:
        return "", "snooze", _("Paused")
    if source.last_run_at is None:
        return "", "clock", _("Not looked at yet")
    if source.outcome.get("failed"):
        return "pill-part", "info", _("Read in part")
    return "pill-ok", "ok", _("In step")


def _progress(job: Job) -> str:
    if not job.progress_total:
        return ""
    return _("%(done)d of %(total)d found so far") % {
        "done": job.progress_done,
        "total": job.progress_total,
    }


def _reason(source: Source) -> str:
    """Say why in the reader's language, unless the stored sentence holds names of its own."""
    with override(settings.LANGUAGE_CODE):
        is_plain = sentence(source.error_code) == source.error_message
    return sentence(source.error_code) if is_plain else source.error_message


def _counts(source: Source) -> list[str]:
    """Say what the last look found; nothing of what there was none of."""
    found = {name: int(count) for name, count in source.outcome.items() if name != "is_complete"}
    parts = [
        (found.get("new", 0), ngettext("%d new", "%d new", found.get("new", 0))),
        (found.get("changed", 0), ngettext("%d changed", "%d changed", found.get("changed", 0))),
        (found.get("moved", 0), ngettext("%d moved", "%d moved", found.get("moved", 0))),
        (found.get("gone", 0), ngettext("%d gone", "%d gone", found.get("gone", 0))),
        (found.get("same", 0), ngettext("%d unchanged", "%d unchanged", found.get("same", 0))),
        (found.get("left_out", 0), ngettext("%d left out", "%d left out", found.get("left_out", 0))),
        (found.get("failed", 0), ngettext("%d not reached", "%d not reached", found.get("failed", 0))),
    ]
    return [text % count for count, text in parts if count]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One address of a source, and what became of it."""

    entry: SourceEntry
    pill: str
    icon: str
    label: "StrOrPromise"
    reason: str


def build_entry_rows(entries: list[SourceEntry]) -> list[EntryRow]:
    """Describe addresses."""
    return [_entry_row(entry) for entry in entries]


def _entry_row(entry: SourceEntry) -> EntryRow:
    pill, icon, label = _entry_state(entry)
    reason = sentence(entry.code, entry.params) if entry.code else ""
    if entry.state == EntryState.GONE and entry.document_id:
        reason = _("Gone. Its document stays until every other page answers again.")
    elif entry.state == EntryState.GONE:
        reason = _("Gone. Its document was deleted.")
    return EntryRow(entry, pill, icon, label, reason)


def _entry_state(entry: SourceEntry) -> tuple[str, str, "StrOrPromise"]:
    if entry.state == EntryState.LEFT_OUT:
        return "", "off", _("Left out")
    if entry.state == EntryState.FAILED:
        return "pill-none", "alert", _("Not reached")
    if entry.state == EntryState.GONE:
        return "pill-part", "trash", _("Gone")
    return {
        "new": ("pill-ok", "plus", _("New")),
        "changed": ("pill-accent", "refresh", _("Changed")),
        "moved": ("pill-accent", "next", _("Moved")),
    }.get(entry.change, ("pill-line", "ok", _("Unchanged")))
