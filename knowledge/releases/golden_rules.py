"""The gate's rules about golden questions. Pure."""

from collections.abc import Sequence
from typing import Final

from knowledge.golden.comparing import Compared, Tally, Verdict, tallies
from knowledge.models import Expectation
from knowledge.releases.findings import Check, Finding, judged, skipped

FOUND_AT_LEAST: Final = 0.9


def judge_golden(rows: Sequence[Compared]) -> list[Check]:
    """Apply the rules to the golden questions asked; none asked, nothing said."""
    if not rows:
        return [skipped("golden_worse"), skipped("golden_found"), skipped("golden_refused")]
    return [_worse(rows), _found(rows), _refused(rows)]


def _worse(rows: Sequence[Compared]) -> Check:
    if not any(row.live for row in rows):
        return skipped("golden_worse")
    worse = sum(row.verdict is Verdict.WORSE for row in rows)
    findings = [Finding("golden_worse", params={"questions": worse})] if worse else []
    return judged("golden_worse", findings, questions=len(rows))


def _found(rows: Sequence[Compared]) -> Check:
    """At least FOUND_AT_LEAST, or no less than what is live already."""
    live, draft = tallies(rows, Expectation.FIND)
    if not draft.total:
        return skipped("golden_found")
    is_low = draft.share < FOUND_AT_LEAST and _is_less(draft, live)
    findings = [Finding("golden_found", params={"percent": draft.percent})] if is_low else []
    return judged("golden_found", findings, passed=draft.passed, total=draft.total)


def _refused(rows: Sequence[Compared]) -> Check:
    """All, or no fewer than what is live already."""
    live, draft = tallies(rows, Expectation.REFUSE)
    if not draft.total:
        return skipped("golden_refused")
    missed = draft.total - draft.passed
    findings = (
        [Finding("golden_refused", params={"missed": missed})] if missed and _is_less(draft, live) else []
    )
    return judged("golden_refused", findings, passed=draft.passed, total=draft.total)


def _is_less(draft: Tally, live: Tally | None) -> bool:
    return live is None or not live.total or draft.share < live.share
