"""The gate: whether exactly this draft passed its trial, and publishing that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from knowledge.errors import AlreadyLive, DraftChanged, GateHeld
from knowledge.models import Collection, GoldenRun, Release
from knowledge.releases.findings import Check, Outcome, from_json
from knowledge.releases.fingerprint import fingerprint
from knowledge.releases.publishing import publish
from knowledge.releases.trial import CANCELLED, live_run, unfinished
from knowledge.scope import DRAFT, of

if TYPE_CHECKING:
    from accounts.models import User


class Standing(StrEnum):
    """Where a draft stands."""

    UNTRIED = "untried"
    RUNNING = "running"
    CHANGED = "changed"
    FAILED = "failed"
    HELD = "held"
    PASSED = "passed"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class GateState:
    """Where a draft stands, and by which runs. run: the trial shown; live: what came of the release."""

    standing: Standing
    run: GoldenRun | None = None
    live: GoldenRun | None = None
    checks: tuple[Check, ...] = ()

    @property
    def held(self) -> Sequence[Check]:
        """The rules that are not met."""
        return [check for check in self.checks if check.outcome is Outcome.HELD]

    @property
    def may_publish(self) -> bool:
        """Whether nobody need say why."""
        return self.standing is Standing.PASSED


def state_of(collection: Collection) -> GateState:
    """Tell where the draft stands now."""
    live = live_run(collection)
    if running := unfinished(collection):
        return GateState(Standing.RUNNING, running, live)
    run = collection.golden_runs.filter(release=None).first()
    mark = fingerprint(collection, DRAFT)
    if collection.release and mark == fingerprint(collection, of(collection.release)):
        same = run if run and run.fingerprint == mark and not run.error_code else None
        return GateState(Standing.PUBLISHED, same, live)
    if run is None or run.error_code == CANCELLED:
        return GateState(Standing.UNTRIED, None, live)
    checks = tuple(from_json(run.checks))
    if run.error_code:
        return GateState(Standing.FAILED, run, live)
    if run.fingerprint != mark:
        return GateState(Standing.CHANGED, run, live, checks)
    is_held = any(check.outcome is Outcome.HELD for check in checks)
    return GateState(Standing.HELD if is_held else Standing.PASSED, run, live, checks)


def publish_checked(
    collection: Collection, *, by: "User | None", note: str = "", override_reason: str = ""
) -> Release:
    """Publish the draft that passed; another one only with a reason, which is kept.

    Raises: AlreadyLive, GateHeld, DraftChanged, NothingToPublish, IndexUnavailable.
    """
    state = state_of(collection)
    reason = override_reason.strip()
    if state.may_publish:
        reason = ""
    elif state.standing is Standing.PUBLISHED:
        raise AlreadyLive(collection.slug)
    elif not reason:
        raise GateHeld(f"{collection.slug}: {state.standing}")
    tried = state.run.fingerprint if state.may_publish and state.run else ""

    def check(release: Release) -> None:
        live = Release.objects.filter(pk__in=Collection.objects.filter(pk=collection.pk).values("release"))
        mark = fingerprint(collection, of(release))
        if any(fingerprint(collection, of(one)) == mark for one in live):
            raise AlreadyLive(collection.slug)
        if tried and mark != tried:
            raise DraftChanged(collection.slug)

    return publish(collection, by=by, note=note, override_reason=reason, check=check)
