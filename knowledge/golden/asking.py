"""Ask one golden question and judge what comes."""

from typing import Final, TypedDict

from accounts.models import User
from knowledge import retrieval
from knowledge.evaluation import fold
from knowledge.models import Collection, Expectation, GoldenQuestion, GoldenResult, GoldenRun
from knowledge.retrieval_types import Passage, SearchResult
from knowledge.scope import Scope

TOP: Final = 5  # among these passages the document must be
SHOWN: Final = 3  # passages kept to be looked at
EXCERPT_CHARS: Final = 320


class Excerpt(TypedDict):
    """A passage as a result keeps it. is_expected: it comes from the expected document."""

    document: str
    title: str
    heading: str
    page: int | None
    excerpt: str
    score: float
    is_expected: bool


def ask(question: GoldenQuestion, run: GoldenRun, collection: Collection, scope: Scope) -> GoldenResult:
    """Ask a question of a scope as its readers do, and return the unsaved result."""
    result = search(question.text, collection, scope, previous=question.previous)
    return judge(question, run, result)


def search(text: str, collection: Collection, scope: Scope, *, previous: str = "") -> SearchResult:
    """Search one collection as somebody who may read it."""
    return retrieval.search(
        text,
        user=User(username="golden", is_superuser=True),
        collections=Collection.objects.filter(pk=collection.pk),
        top_k=TOP,
        previous=previous,
        scope=scope,
    )


def judge(question: GoldenQuestion, run: GoldenRun, result: SearchResult) -> GoldenResult:
    """Compare what was found with what must come."""
    rank = _rank(question, result)
    must_find = question.expectation == Expectation.FIND
    is_passed = (rank is not None and result.is_answerable) if must_find else not result.is_answerable
    return GoldenResult(
        run=run,
        question=question,
        is_passed=is_passed,
        is_answerable=result.is_answerable,
        rank=rank,
        confidence=round(result.confidence, 4),
        passages=_excerpts(question, result),
    )


def _rank(question: GoldenQuestion, result: SearchResult) -> int | None:
    """Place, from 1, of the first passage of the expected document that holds the words wanted."""
    quote = fold(question.quote)
    for rank, passage in enumerate(result.passages, start=1):
        if passage.document_id == str(question.document_id) and quote in fold(passage.text):
            return rank
    return None


def _excerpts(question: GoldenQuestion, result: SearchResult) -> list[Excerpt]:
    expected = str(question.document_id)
    first = result.passages[:SHOWN]
    rest = (passage for passage in result.passages[SHOWN:] if passage.document_id == expected)
    shown = list(first)
    if not any(passage.document_id == expected for passage in first) and (later := next(rest, None)):
        shown.append(later)
    return [_excerpt(passage, is_expected=passage.document_id == expected) for passage in shown]


def _excerpt(passage: Passage, *, is_expected: bool) -> Excerpt:
    best = passage.best_sentence
    start = best.start if best and len(passage.text) > EXCERPT_CHARS else 0
    start = max(0, min(start, len(passage.text) - EXCERPT_CHARS))
    text = passage.text[start : start + EXCERPT_CHARS]
    cut = ("…" if start else "") + text + ("…" if start + EXCERPT_CHARS < len(passage.text) else "")
    return Excerpt(
        document=passage.document_id,
        title=passage.document_title,
        heading=passage.heading,
        page=passage.page,
        excerpt=cut,
        score=round(passage.score, 4),
        is_expected=is_expected,
    )
