"""Two runs side by side: the same golden questions asked of the live release and of the draft."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from knowledge.models import Expectation, GoldenQuestion, GoldenResult, GoldenRun


class Verdict(StrEnum):
    """How a question fares in the draft."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """A golden question with what came of it; live is None where nothing is published."""

    question: GoldenQuestion
    live: GoldenResult | None
    draft: GoldenResult

    @property
    def verdict(self) -> Verdict:
        """Worse where only the release passed, better where only the draft did."""
        if self.live is None or self.live.is_passed == self.draft.is_passed:
            return Verdict.SAME
        return Verdict.WORSE if self.live.is_passed else Verdict.BETTER

    @property
    def must_find(self) -> bool:
        """Whether it expects a document."""
        return self.question.expectation == Expectation.FIND


@dataclass(frozen=True, slots=True)
class Tally:
    """How many questions of a kind passed."""

    passed: int
    total: int

    @property
    def share(self) -> float:
        """0–1; 1 where there are none."""
        return self.passed / self.total if self.total else 1.0

    @property
    def percent(self) -> float:
        """In per cent, to one place."""
        return round(100 * self.share, 1)


def compare(draft: GoldenRun, live: GoldenRun | None) -> list[Compared]:
    """Pair the results of two runs, in the order of the questions."""
    before = {row.question_id: row for row in live.results.all()} if live else {}
    rows = draft.results.select_related("question__document").order_by("question")
    return [Compared(row.question, before.get(row.question_id), row) for row in rows]


def tally(results: Iterable[GoldenResult | None], rows: Sequence[Compared], kind: Expectation) -> Tally:
    """Count the results of the questions that expect this."""
    chosen = [
        result
        for result, row in zip(results, rows, strict=True)
        if result is not None and row.question.expectation == kind
    ]
    return Tally(sum(result.is_passed for result in chosen), len(chosen))


def tallies(rows: Sequence[Compared], kind: Expectation) -> tuple[Tally | None, Tally]:
    """Count both sides; the live one is None where nothing is published."""
    has_live = any(row.live for row in rows)
    live = tally([row.live for row in rows], rows, kind) if has_live else None
    return live, tally([row.draft for row in rows], rows, kind)
