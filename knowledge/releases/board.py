"""What the page of a draft shows, put together; reads only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from knowledge.golden.causes import Cause, Causes
from knowledge.golden.comparing import Compared, Tally, Verdict, compare, tallies
from knowledge.models import Collection, Expectation, GoldenRun, Release
from knowledge.releases import wording
from knowledge.releases.changes import Change, changes
from knowledge.releases.findings import Check, Finding, Outcome
from knowledge.releases.gate import GateState, Standing, state_of
from knowledge.releases.publishing import KEPT

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN: int = 25  # questions of a tab, and findings of a rule


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the comparison: what live reaches, what the draft reaches, and the rule."""

    label: str
    live: str
    draft: str
    change: str
    is_up: bool
    is_down: bool
    rule: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding in words. url: the document it is about."""

    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the checklist."""

    text: str
    outcome: Outcome
    note: str
    problems: tuple[Problem, ...]
    more: int

    @property
    def is_held(self) -> bool:
        """Whether it keeps the draft from going live."""
        return self.outcome is Outcome.HELD

    @property
    def is_skipped(self) -> bool:
        """Whether it says nothing here."""
        return self.outcome is Outcome.SKIPPED


@dataclass(frozen=True, slots=True)
class Question:
    """A golden question side by side, with the likeliest cause where it got worse."""

    row: Compared
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Board:
    """The page."""

    collection: Collection
    number: int
    state: GateState
    total: int
    lines: tuple[Line, ...]
    rules: tuple[Rule, ...]
    tab: Verdict
    tabs: tuple[tuple[Verdict, "StrOrPromise", int], ...]
    questions: tuple[Question, ...]
    changed: tuple[Change, ...]
    history: tuple[Release, ...]
    question_count: int

    @property
    def held_count(self) -> int:
        """How many rules are not met."""
        return sum(rule.is_held for rule in self.rules)

    @property
    def is_running(self) -> bool:
        """Whether a trial is under way."""
        return self.state.standing is Standing.RUNNING


def build_board(collection: Collection, tab: str = "") -> Board:
    """Put the page of a collection's draft together."""
    state = state_of(collection)
    run = state.run if state.run and state.standing is not Standing.RUNNING else None
    rows = compare(run, _live_of(run, state)) if run else []
    counts = Counter(row.verdict for row in rows)
    chosen = _tab(tab, counts)
    changed = changes(collection)
    causes = Causes(changed, state.checks)
    picked = [row for row in rows if row.verdict is chosen]
    history = tuple(collection.releases.select_related("published_by")[: KEPT + 1])
    return Board(
        collection=collection,
        number=(history[0].number if history else 0) + 1,
        state=state,
        total=len(rows),
        lines=tuple(_lines(rows)),
        rules=tuple(_rule(check, collection) for check in _in_order(state.checks)),
        tab=chosen,
        tabs=tuple((verdict, _tab_label(verdict), counts[verdict]) for verdict in Verdict),
        questions=tuple(
            Question(row, causes.of(row) if row.verdict is Verdict.WORSE else None) for row in picked[:SHOWN]
        ),
        changed=tuple(changed),
        history=history,
        question_count=collection.golden_questions.filter(is_active=True).count(),
    )


def _live_of(run: GoldenRun, state: GateState) -> GoldenRun | None:
    """The release's results the trial was compared with."""
    if state.live and state.live.pk == run.pk:
        return None
    return state.live


def _tab(asked: str, counts: "Counter[Verdict]") -> Verdict:
    if asked in set(Verdict):
        return Verdict(asked)
    return next((verdict for verdict in Verdict if counts[verdict]), Verdict.WORSE)


def _tab_label(verdict: Verdict) -> str:
    return {Verdict.WORSE: _("Worse"), Verdict.BETTER: _("Better"), Verdict.SAME: _("Same")}[verdict]


def _in_order(checks: Sequence[Check]) -> list[Check]:
    """What holds the draft stands first."""
    places = {Outcome.HELD: 0, Outcome.MET: 1, Outcome.SKIPPED: 2}
    return sorted(checks, key=lambda check: places[check.outcome])


def _rule(check: Check, collection: Collection) -> Rule:
    problems = tuple(_problem(finding, collection) for finding in check.findings[:SHOWN])
    note = wording.skipped_reason(check) if check.outcome is Outcome.SKIPPED else ""
    return Rule(wording.rule(check), check.outcome, note, problems, len(check.findings) - len(problems))


def _problem(finding: Finding, collection: Collection) -> Problem:
    if finding.code == "golden_worse":
        count = int((finding.params or {}).get("questions", 0))
        text = ngettext("See the question", "See the %(count)s questions", count) % {"count": count}
        url = reverse("knowledge:release", args=[collection.slug])
        return Problem("", text, f"{url}?tab={Verdict.WORSE}#questions")
    url = reverse("knowledge:document", args=[finding.document]) if finding.document else ""
    return Problem(finding.title, wording.sentence(finding), url)


def _lines(rows: Sequence[Compared]) -> list[Line]:
    if not rows:
        return []
    found = tallies(rows, Expectation.FIND)
    refused = tallies(rows, Expectation.REFUSE)
    lines = []
    if found[1].total:
        lines.append(_share_line(*found))
    if refused[1].total:
        lines.append(_count_line(*refused))
    if found[0] or refused[0]:
        lines.append(_worse_line(rows))
    return lines


def _share_line(live: Tally | None, draft: Tally) -> Line:
    change = round(draft.percent - live.percent, 1) if live and live.total else 0.0
    return Line(
        label=_("Right document in the first 5"),
        live=_percent(live.percent) if live and live.total else "–",
        draft=_percent(draft.percent),
        change=_signed(change) if live else "",
        is_up=change > 0,
        is_down=change < 0,
        rule=_("at least 90%"),
        is_met=draft.percent >= 90 or bool(live and live.total and draft.share >= live.share),
    )


def _count_line(live: Tally | None, draft: Tally) -> Line:
    change = draft.passed - live.passed if live else 0
    return Line(
        label=_("Refuses when it should"),
        live=_of(live) if live else "–",
        draft=_of(draft),
        change=_signed(change) if live else "",
        is_up=change > 0,
        is_down=change < 0,
        rule=_("all"),
        is_met=draft.passed == draft.total or bool(live and draft.share >= live.share),
    )


def _worse_line(rows: Sequence[Compared]) -> Line:
    worse = sum(row.verdict is Verdict.WORSE for row in rows)
    return Line(
        label=_("Questions that got worse"),
        live="–",
        draft=str(worse),
        change=_("%(count)s worse") % {"count": worse} if worse else "0",
        is_up=False,
        is_down=bool(worse),
        rule=_("none allowed"),
        is_met=not worse,
    )


def _of(tally: Tally) -> str:
    return _("%(passed)s of %(total)s") % {"passed": tally.passed, "total": tally.total}


def _percent(value: float) -> str:
    return f"{number_format(value, decimal_pos=1)}%"


def _signed(value: float) -> str:
    if not value:
        return "0"
    shown = number_format(abs(value), decimal_pos=0 if value == int(value) else 1)
    return (
        f"\u200e+{shown}" if value > 0 else f"\u200e−{shown}"
    )  # the sign stays in front, also right to left
