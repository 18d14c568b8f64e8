"""Counts over asked questions: the figures that `evaluate` prints. Pure."""

import statistics
from collections.abc import Iterable, Sequence

from knowledge.evaluation import Asked, Corpus, fold

Figure = int | float | None | dict[str, int | float | None]


def report(asked: Sequence[Asked], corpus: Corpus, k: int) -> dict[str, Figure]:
    """Count hits, latency and refusals; hit rates over the questions that have an answer there."""
    answerable = [item for item in asked if item.is_answerable]
    figures: dict[str, Figure] = {"questions": len(asked), "answerable": len(answerable)}
    for depth in sorted({1, 3, 5, k}):
        figures[f"hit@{depth}"] = share(_is_hit(item, depth) for item in answerable)
    figures["mrr@10"] = _mean([0.0 if item.rank is None else 1 / (item.rank + 1) for item in answerable])
    figures["answer_recall@5"] = share(
        item.is_recalled for item in answerable if item.is_recalled is not None
    )
    figures["refused"] = {
        name: share(not item.result.is_answerable for item in group) for name, group in _groups(asked).items()
    }
    figures["latency_ms"] = {
        "p50": _percentile([item.latency_ms for item in asked], 50),
        "p95": _percentile([item.latency_ms for item in asked], 95),
    }
    figures["ingest"] = {
        "documents": corpus.documents,
        "chunks": corpus.chunks,
        "seconds": round(corpus.seconds, 2),
    }
    return figures


def report_answers(asked: Sequence[Asked]) -> dict[str, Figure]:
    """Count what the engine answered."""
    groups = _groups(asked)
    answered = [item for item in groups["answerable"] if item.answer and item.question.answers]
    figures: dict[str, Figure] = {"answer_recall": share(_holds_answer(item) for item in answered)}
    for name in ("unanswerable", "absent", "answerable"):
        figures[f"abstained_on_{name}"] = share(
            item.answer.is_abstention for item in groups[name] if item.answer
        )
    figures["cited_gold_document"] = share(
        bool(item.answer.cited & item.gold_documents) for item in groups["answerable"] if item.answer
    )
    return figures


def share(claims: Iterable[bool | None]) -> float | None:
    """Share of claims that hold; None of none."""
    values = [bool(claim) for claim in claims]
    return round(sum(values) / len(values), 4) if values else None


def _groups(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    return {
        "answerable": [item for item in asked if item.is_answerable],
        "unanswerable": [item for item in asked if item.question.is_unanswerable and not item.is_absent],
        "absent": [item for item in asked if item.is_absent],
    }


def _is_hit(item: Asked, depth: int) -> bool:
    return item.rank is not None and item.rank < depth


def _holds_answer(item: Asked) -> bool:
    assert item.answer is not None
    text = fold(item.answer.text.replace("\\", ""))
    return any(fold(answer) in text for answer in item.question.answers)


def _mean(values: Sequence[float]) -> float | None:
    return round(statistics.fmean(values), 4) if values else None


def _percentile(values: Sequence[float], percent: int) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 2)
