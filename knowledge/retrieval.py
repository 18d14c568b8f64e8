"""search(): the passages that answer a question, from what this person may read.

Words and vectors are asked side by side and fused. What they return is looked up in the database
again, with the same rule of access, before anyone sees it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Q, QuerySet

from accounts.models import User
from inference.conf import get_embedder
from inference.embedders.base import Vectors
from inference.errors import EngineError
from knowledge import index, lexical, scoring
from knowledge.access import readable_collections
from knowledge.chunking import indexed_text
from knowledge.confidence import THRESHOLD, Evidence, estimate_confidence
from knowledge.errors import IndexUnavailable
from knowledge.models import Chunk, Collection, DocumentStatus
from knowledge.retrieval_types import Passage, SearchResult, Sentence
from knowledge.sentence_vectors import mix_sentences
from knowledge.tokens import Matcher, query_tokens

logger = logging.getLogger(__name__)

CANDIDATES: Final = 50  # asked of each index
RERANKED: Final = 12  # the best of them whose sentences are read
OWN_COVERAGE: Final = 0.3  # of a follow-up's own words, before the turn before may vouch for it

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="vectors")


@dataclass(frozen=True, slots=True)
class _Near:
    """What the vector side found: similarity by chunk key; the question's own vector and fertility."""

    similarity: Mapping[str, float]
    vector: Vectors | None
    fertility: float
    is_partial: bool


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Both sides' scores by chunk id, 0–1 each and fused; only chunks this person may read."""

    fused: dict[int, float]
    words: dict[int, float]
    dense: dict[int, float]
    near: _Near


def search(
    query: str,
    *,
    user: User | AnonymousUser,
    collections: QuerySet[Collection] | None = None,
    top_k: int = 5,
    previous: str = "",
) -> SearchResult:
    """Find the passages that answer `query`, best first.

    collections: look only here; what `user` may not read is left out in any case. previous: the
    question before, for follow-ups. Without the vector store or the embedder it goes by words
    alone, and says so.
    """
    allowed = readable_collections(user)
    if collections is not None:
        allowed = allowed.filter(pk__in=collections.values("pk"))
    places = list(allowed)
    if not places or not query.strip():
        return SearchResult((), 0.0, is_answerable=False)
    found = _find(query, places)
    if not previous.strip():
        return _rank(query, found, found.fused, found.near, top_k)
    both = f"{previous} {query}"
    fused = scoring.add_previous(found.fused, _find(previous, places).fused)
    return _rank(query, found, fused, _ask_vectors(both, places), top_k, both)


def warm() -> None:
    """Load the embedder and open the index, so that the first question does not wait."""
    try:
        get_embedder().load()
        index.warm()
    except (EngineError, IndexUnavailable):
        logger.exception("search starts with words alone")


def _find(query: str, places: Sequence[Collection]) -> _Candidates:
    """Ask both indexes, keep what may be read, fuse."""
    asked: Future[_Near] = _threads.submit(_ask_vectors, query, places)
    hits = lexical.search(query_tokens(query), [place.pk for place in places], CANDIDATES)
    near = asked.result()
    by_words = {hit.chunk_id: hit.score for hit in hits}
    keys = _readable(places, by_words, near.similarity)
    words = scoring.stretch({pk: score for pk, score in by_words.items() if pk in keys})
    dense = scoring.stretch({pk: near.similarity[key] for pk, key in keys.items() if key in near.similarity})
    nearest = max(near.similarity.values(), default=0.0)
    fused = scoring.fuse(words, dense, scoring.dense_weight(near.fertility, nearest))
    return _Candidates(fused, words, dense, near)


def _ask_vectors(query: str, places: Sequence[Collection]) -> _Near:
    """Embed the question and find its neighbours; runs in a thread of its own, without the database."""
    try:
        embedder = get_embedder()
        vector = embedder.embed_query(query)
        fertility = embedder.token_fertility(query)
        found = [pair for place in places for pair in index.query(place, vector, CANDIDATES)]
    except (EngineError, IndexUnavailable) as exc:
        logger.warning("search goes by words alone: %s", exc)
        return _Near({}, None, 0.0, is_partial=True)
    found.sort(key=lambda pair: -pair[1])
    return _Near(dict(found[:CANDIDATES]), vector, fertility, is_partial=False)


def _readable(places: Sequence[Collection], ids: Iterable[int], keys: Iterable[str]) -> dict[int, str]:
    """Look up which of these chunks are current, ready and in these collections: id → key."""
    rows = Chunk.objects.filter(
        Q(pk__in=list(ids)) | Q(key__in=list(keys)),
        document__collection__in=[place.pk for place in places],
        document__status=DocumentStatus.READY,
        version=F("document__version"),
    )
    return dict(rows.order_by().values_list("pk", "key"))


def _rank(
    query: str, found: _Candidates, fused: Mapping[int, float], near: _Near, top_k: int, both: str = ""
) -> SearchResult:
    """Read the sentences of the best candidates, order by them, and say how sure that is.

    near, both: of a follow-up together with the question before, which says what it is about.
    """
    matcher = Matcher(query, lexical.weigh)
    first = sorted(fused, key=lambda pk: (-fused[pk], pk))[: max(top_k, RERANKED)]
    chunks = Chunk.objects.select_related("document__collection").in_bulk(first)
    sentences = {
        pk: scoring.score_sentences(chunks[pk].text, matcher) for pk in first if pk in chunks
    }  # a chunk deleted in between is gone
    final = {pk: scoring.add_best_sentence(fused[pk], scored) for pk, scored in sentences.items()}
    order = sorted(final, key=lambda pk: (-final[pk], pk))[:top_k]
    mixed = mix_sentences(
        [(chunks[pk].text, sentences[pk], final[pk]) for pk in order], found.near.vector, found.near.fertility
    )
    passages = tuple(
        _passage(chunks[pk], final[pk], found.dense.get(pk, 0.0), found.words.get(pk, 0.0), scored)
        for pk, scored in zip(order, mixed, strict=True)
    )
    together = Matcher(both, lexical.weigh) if both else None
    confidence = estimate_confidence(_weigh_evidence([chunks[pk] for pk in order], near, matcher, together))
    is_answerable = bool(passages) and confidence >= THRESHOLD
    return SearchResult(passages, confidence, is_answerable, found.near.is_partial)


def _weigh_evidence(
    best: Sequence[Chunk], near: _Near, matcher: Matcher, together: Matcher | None
) -> Evidence:
    """Weigh what was found; the question before counts only where this one finds something itself."""
    texts = [indexed_text(chunk.document.title, chunk.heading, chunk.text) for chunk in best[:3]]
    coverage = max((matcher.coverage(text) for text in texts), default=0.0)
    if together and coverage >= OWN_COVERAGE:
        coverage = max(coverage, *(together.coverage(text) for text in texts))
    return Evidence(
        coverage=coverage,
        dense=max(near.similarity.values(), default=0.0),
        known=0.0 if near.is_partial else scoring.share_known(near.fertility),
    )


def _passage(
    chunk: Chunk, score: float, dense: float, words: float, sentences: tuple[Sentence, ...]
) -> Passage:
    document = chunk.document
    return Passage(
        chunk_id=chunk.pk,
        chunk_key=chunk.key,
        sha256=chunk.sha256,
        document_id=str(document.pk),
        document_title=str(document),
        document_name=document.name,
        collection_slug=document.collection.slug,
        heading=chunk.heading,
        page=chunk.page,
        text=chunk.text,
        score=score,
        dense=dense,
        words=words,
        sentences=sentences,
    )
