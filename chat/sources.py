"""Passages as a reader sees them: the numbered sources of a reply."""

from collections.abc import Sequence

from django.urls import reverse

from chat.events import NearestItem, SourceItem
from knowledge.retrieval_types import Passage

EXCERPT_CHARS = 2000
NEAREST = 3


def source_items(passages: Sequence[Passage]) -> list[SourceItem]:
    """Number the passages from 1, in their order."""
    return [_source(n, passage) for n, passage in enumerate(passages, start=1)]


def nearest_items(passages: Sequence[Passage]) -> list[NearestItem]:
    """Name the documents that come closest, each once."""
    nearest: dict[str, NearestItem] = {}
    for passage in passages:
        nearest.setdefault(
            passage.document_id,
            NearestItem(
                document=passage.document_id,
                title=passage.document_title,
                heading=passage.heading,
                page=passage.page,
                url=_url(passage),
            ),
        )
    return list(nearest.values())[:NEAREST]


def _source(n: int, passage: Passage) -> SourceItem:
    item = SourceItem(
        n=n,
        document=passage.document_id,
        chunk=passage.chunk_key,
        chunk_sha256=passage.sha256,
        release="" if passage.release is None else str(passage.release),
        title=passage.document_title,
        heading=passage.heading,
        page=passage.page,
        excerpt=passage.text[:EXCERPT_CHARS],
        score=round(passage.score, 4),
        url=_url(passage),
    )
    if best := passage.best_sentence:
        item["best_sentence"] = passage.text[best.start : best.end]
    return item


def _url(passage: Passage) -> str:
    page = reverse("knowledge:document", args=[passage.document_id])
    return f"{page}?chunk={passage.chunk_id}#chunk-{passage.chunk_id}"
