"""Why a golden question got worse: the likeliest cause, told from what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from knowledge.golden.comparing import Compared
from knowledge.models import Document
from knowledge.releases.changes import Change, ChangeKind
from knowledge.releases.findings import Check, Finding
from knowledge.releases.wording import sentence


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened, in words; document: where to look."""

    text: str
    document: Document | None = None


class Causes:
    """Knows what changed in a draft, and what the gate found about it."""

    def __init__(self, changed: Iterable[Change], checks: Iterable[Check]) -> None:
        """Sort by document."""
        self._changes: Mapping[UUID, Change] = {change.document.pk: change for change in changed}
        self._findings: dict[str, Finding] = {}
        for check in checks:
            for finding in check.findings:
                self._findings.setdefault(finding.document, finding)

    def of(self, row: Compared) -> Cause:
        """Tell the likeliest cause for one question."""
        if not row.must_find:
            return self._answered(row)
        document = row.question.document
        if document is None:
            return Cause(_("The expected document is no longer here: it was deleted or moved."))
        change = self._changes.get(document.pk)
        if change is None:
            return self._crowded_out(row)
        return Cause(self._of_change(change), document)

    def _of_change(self, change: Change) -> str:
        name = {"name": _title_before(change)}
        finding = self._findings.get(str(change.document.pk))
        if finding and (said := sentence(finding)):
            return _("“%(name)s” changed.") % name + " " + said
        if change.kind is ChangeKind.OFF:
            return _("“%(name)s” is switched off in this draft.") % name
        if change.kind is ChangeKind.EDITED:
            return _("Passages of “%(name)s” were edited or switched off.") % name
        return _("“%(name)s” has a new version that says this differently, or no longer.") % name

    def _crowded_out(self, row: Compared) -> Cause:
        """The expected document is as it was: another one is in front of it, or it is less sure."""
        changed = {str(pk): change.document for pk, change in self._changes.items()}
        for passage in row.draft.passages:
            if passage["document"] in changed and not passage["is_expected"]:
                other = changed[passage["document"]]
                return Cause(
                    _("“%(name)s” changed and is now found in its place.") % {"name": str(other)}, other
                )
        if row.draft.rank is not None:
            return Cause(
                _("The document is found, but less surely than it takes to answer."), row.question.document
            )
        return Cause(_("Other passages are now nearer to the question."), row.question.document)

    def _answered(self, row: Compared) -> Cause:
        """Something in the draft looks like an answer."""
        first = row.draft.passages[0] if row.draft.passages else None
        document = self._changes.get(UUID(first["document"])) if first else None
        if document is not None:
            name = {"name": str(document.document)}
            return Cause(_("“%(name)s” changed and looks like an answer to it.") % name, document.document)
        return Cause(_("A passage now looks like an answer to it."))


def _title_before(change: Change) -> str:
    """The document's title as visitors know it."""
    version = change.document.versions.filter(number=change.before).first() if change.before else None
    return version.title if version and version.title else str(change.document)
