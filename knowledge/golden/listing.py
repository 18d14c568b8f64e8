"""The list of golden questions: filter, count, page, with what came of each last. Reads only."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext_lazy as _

from knowledge.golden.naming import language_name
from knowledge.models import Collection, Expectation, GoldenQuestion, GoldenResult, GoldenRun

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE: Final = 50
FILTERS: "Final[tuple[tuple[str, StrOrPromise], ...]]" = (
    ("", _("All")),
    ("failing", _("Failing")),
    ("refuse", _("Must be refused")),
    ("off", _("Off")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A golden question with its result in the newest run, if it was asked there."""

    question: GoldenQuestion
    result: GoldenResult | None

    @property
    def language(self) -> str:
        """The question's language, in the reader's own."""
        return language_name(self.question.language)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows. filters: each with its count; languages: code, name and count."""

    entries: Page[Entry]
    chosen: str
    language: str
    filters: "tuple[tuple[str, StrOrPromise, int], ...]"
    languages: tuple[tuple[str, str, int], ...]
    run: GoldenRun | None
    total: int


def newest_run(collection: Collection) -> GoldenRun | None:
    """The newest run that came to its end: of the draft, or of what is live."""
    return collection.golden_runs.filter(finished_at__isnull=False, error_code="").first()


def list_questions(
    collection: Collection, *, chosen: str = "", language: str = "", page: str = "1"
) -> Listing:
    """Build the list; an unknown filter, language or page means the first."""
    run = newest_run(collection)
    results = {row.question_id: row for row in run.results.all()} if run else {}
    rows = collection.golden_questions.select_related("document").order_by("-pk")
    entries = [Entry(question, results.get(question.pk)) for question in rows]
    languages = Counter(entry.question.language for entry in entries)
    chosen = chosen if chosen in {key for key, _label in FILTERS} else ""
    language = language if language in languages else ""
    shown = [entry for entry in entries if not language or entry.question.language == language]
    counts = {key: sum(_belongs(entry, key) for entry in shown) for key, _label in FILTERS}
    picked = [entry for entry in shown if _belongs(entry, chosen)]
    return Listing(
        entries=Paginator(picked, PAGE_SIZE).get_page(page),
        chosen=chosen,
        language=language,
        filters=tuple((key, label, counts[key]) for key, label in FILTERS),
        languages=tuple(
            (code, language_name(code), count) for code, count in sorted(languages.items()) if code
        ),
        run=run,
        total=len(entries),
    )


def _belongs(entry: Entry, key: str) -> bool:
    question = entry.question
    if key == "failing":
        return question.is_active and entry.result is not None and not entry.result.is_passed
    if key == "refuse":
        return question.expectation == Expectation.REFUSE
    return not question.is_active if key == "off" else True
