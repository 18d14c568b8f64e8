"""What a collection reaches in each language, and what the embedding model knows of it."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from inference.conf import get_embedder
from inference.errors import EngineError
from knowledge.golden.comparing import Tally
from knowledge.golden.listing import newest_run
from knowledge.golden.naming import language_name
from knowledge.models import Collection, Document, Expectation, GoldenQuestion, GoldenResult, GoldenRun
from knowledge.scoring import share_known

ASKED: Final = 20  # questions of a language whose word-pieces are counted
MISSING: Final = 50


class Knowledge(StrEnum):
    """How far the embedding model knows a language."""

    WELL = "well"
    PARTLY = "partly"
    HARDLY = "hardly"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One language. first, five: questions whose document came first, or among five and surely enough."""

    code: str
    name: str
    questions: int
    documents: int
    first: Tally
    five: Tally
    refused: Tally
    knows: Knowledge
    fertility: float

    @property
    def sentence(self) -> str:
        """Say what to expect of retrieval in this language."""
        return _sentences()[self.knows] % {"language": self.name}


@dataclass(frozen=True, slots=True)
class Untranslated:
    """A question that others are not a translation of in some languages."""

    question: GoldenQuestion
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LanguageBoard:
    """The page. run: whose results they are; model: the embedding model."""

    rows: tuple[Row, ...]
    untranslated: tuple[Untranslated, ...]
    untranslated_count: int
    run: GoldenRun | None
    model: str


def build_languages(collection: Collection) -> LanguageBoard:
    """Put the board together."""
    run = newest_run(collection)
    results = {row.question_id: row for row in run.results.all()} if run else {}
    groups: dict[str, list[GoldenQuestion]] = defaultdict(list)
    for question in collection.golden_questions.filter(is_active=True):
        groups[question.language].append(question)
    documents = _documents_by_language(collection)
    for code in documents:
        groups.setdefault(code, [])
    rows = [_row(code, groups[code], documents.get(code, 0), results) for code in sorted(groups)]
    rows.sort(key=lambda row: (not row.code, -row.questions, row.name))
    missing = _untranslated(groups)
    return LanguageBoard(
        tuple(rows), tuple(missing[:MISSING]), len(missing), run, collection.embedder or get_embedder().name
    )


def _documents_by_language(collection: Collection) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for code in Document.objects.filter(collection=collection).values_list("language", flat=True):
        if code:
            found[code.partition("-")[0]] += 1
    return found


def _row(
    code: str, questions: Sequence[GoldenQuestion], documents: int, results: Mapping[int, GoldenResult]
) -> Row:
    asked = [(row, results[row.pk]) for row in questions if row.pk in results]
    find = [result for row, result in asked if row.expectation == Expectation.FIND]
    refuse = [result for row, result in asked if row.expectation == Expectation.REFUSE]
    fertility = _fertility([row.text for row in questions[:ASKED]])
    return Row(
        code=code,
        name=language_name(code),
        questions=len(questions),
        documents=documents,
        first=Tally(sum(result.rank == 1 for result in find), len(find)),
        five=Tally(sum(result.is_passed for result in find), len(find)),
        refused=Tally(sum(result.is_passed for result in refuse), len(refuse)),
        knows=_knows(fertility),
        fertility=round(fertility, 1),
    )


def _fertility(texts: Sequence[str]) -> float:
    """Word-pieces a word; 0 where nobody can tell."""
    try:
        embedder = get_embedder()
        return statistics.median(embedder.token_fertility(text) for text in texts) if texts else 0.0
    except EngineError:
        return 0.0


def _knows(fertility: float) -> Knowledge:
    if not fertility:
        return Knowledge.UNKNOWN
    share = share_known(fertility)
    return Knowledge.WELL if share >= 0.99 else Knowledge.PARTLY if share > 0.2 else Knowledge.HARDLY


def _untranslated(groups: Mapping[str, Sequence[GoldenQuestion]]) -> list[Untranslated]:
    """Find meanings that are asked in some of the collection's languages and not in others."""
    languages = [code for code, rows in groups.items() if code and rows]
    if len(languages) < 2:
        return []
    meanings: dict[object, list[GoldenQuestion]] = defaultdict(list)
    for code in languages:
        for row in groups[code]:
            meanings[row.meaning].append(row)
    found = []
    for rows in meanings.values():
        missing = sorted(set(languages) - {row.language for row in rows})
        if missing:
            found.append(Untranslated(rows[0], tuple(language_name(code) for code in missing)))
    return sorted(found, key=lambda one: one.question.pk)


def _sentences() -> dict[Knowledge, str]:
    return {
        Knowledge.WELL: _("The embedding model knows %(language)s well: meaning and words decide together."),
        Knowledge.PARTLY: _(
            "The embedding model knows %(language)s in part: words decide most of it. A question in quite "
            "other words than the document’s is found less often."
        ),
        Knowledge.HARDLY: _(
            "The embedding model hardly knows %(language)s: words decide. A question must share words with "
            "the document, and one in another language does not find it."
        ),
        Knowledge.UNKNOWN: _("Nothing is asked in %(language)s yet, so nothing can be said about it."),
    }
