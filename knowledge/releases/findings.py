"""What the gate found: plain values, kept as JSON with the run. wording.py says them in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import cast

Params = Mapping[str, "str | int | float"]


class Outcome(StrEnum):
    """How a rule came out."""

    MET = "met"
    HELD = "held"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. document: id of the document it is about, title its title; may be empty."""

    code: str
    document: str = ""
    title: str = ""
    params: Params | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A rule with its outcome. params: figures for its sentence."""

    code: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    params: Params | None = None


def judged(code: str, findings: Sequence[Finding], **params: str | int | float) -> Check:
    """Build a rule's outcome: held by whatever was found."""
    return Check(code, Outcome.HELD if findings else Outcome.MET, tuple(findings), params)


def skipped(code: str) -> Check:
    """Build the outcome of a rule that says nothing about this draft."""
    return Check(code, Outcome.SKIPPED)


def to_json(checks: Sequence[Check]) -> list[object]:
    """Write checks as a run keeps them."""
    return [asdict(check) for check in checks]


def from_json(rows: object) -> list[Check]:
    """Read what `to_json` wrote; anything else is no checks."""
    checks = []
    for row in cast(list[dict[str, object]], rows if isinstance(rows, list) else []):
        findings = cast(list[dict[str, object]], row["findings"])
        checks.append(
            Check(
                code=str(row["code"]),
                outcome=Outcome(str(row["outcome"])),
                findings=tuple(_finding(finding) for finding in findings),
                params=cast("Params | None", row["params"]),
            )
        )
    return checks


def _finding(row: dict[str, object]) -> Finding:
    params = cast("Params | None", row["params"])
    return Finding(str(row["code"]), str(row["document"]), str(row["title"]), params)
