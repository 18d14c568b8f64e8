"""search(): the passages that answer a question, from what this person may read.

Words and vectors are asked side by side and fused. What they return is looked up in the database
again, with the same rule of access, before anyone sees it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from inference.conf import get_embedder
from inference.embedders.base import Vectors
from inference.errors import EngineError
from knowledge import index, lexical, scoring
from knowledge.access import readable_collections
from knowledge.chunking import indexed_text
from knowledge.confidence import THRESHOLD, estimate_confidence, score_evidence
from knowledge.errors import IndexUnavailable
from knowledge.evidence import READ, SCORED, Evidence, Found, Question
from knowledge.models import Calibration, Chunk, Collection
from knowledge.passages import as_passages
from knowledge.retrieval_types import Parts, Passage, SearchResult
from knowledge.scope import LIVE, Scope, chunks_answering
from knowledge.sentence_vectors import mix_sentences
from knowledge.tokens import Matcher, query_tokens

logger = logging.getLogger(__name__)

CANDIDATES: Final = 50  # asked of each index
DEEPER: Final = 5 * CANDIDATES  # where what came back belongs to other releases
ENOUGH: Final = CANDIDATES // 2
RERANKED: Final = 12  # the best of them whose sentences are read
OWN_COVERAGE: Final = 0.3  # of a follow-up's own words, before the turn before may vouch for it

Key = TypeVar("Key")
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
    """Both sides' scores by chunk id, 0–1 each and fused; only chunks this person may read.

    bm25: the word index's best scores as they were, best first, each with its document; first: key
    of the first, if there is one.
    """

    fused: dict[int, float]
    words: dict[int, float]
    dense: dict[int, float]
    near: _Near
    bm25: list[tuple[float, UUID]]
    first: str


@dataclass(frozen=True, slots=True)
class _Where:
    """The collections asked, and what of them may answer."""

    places: Sequence[Collection]
    scope: Scope


def search(
    query: str,
    *,
    user: User | AnonymousUser,
    collections: QuerySet[Collection] | None = None,
    top_k: int = 5,
    previous: str = "",
    scope: Scope = LIVE,
) -> SearchResult:
    """Find the passages that answer `query`, best first.

    collections: look only here; what `user` may not read is left out in any case. previous: the
    question before, for follow-ups. scope: the published release, unless a manager tests another.
    Without the vector store or the embedder it goes by words alone, and says so.
    """
    allowed = readable_collections(user)
    if collections is not None:
        allowed = allowed.filter(pk__in=collections.values("pk"))
    places = list(allowed)
    if not places or not query.strip():
        return SearchResult((), 0.0, is_answerable=False)
    where = _Where(places, scope)
    found = _find(query, where)
    if not previous.strip():
        return _rank(query, found, found.fused, found.near, top_k, where)
    both = f"{previous} {query}"
    fused = scoring.add_previous(found.fused, _find(previous, where).fused)
    return _rank(query, found, fused, _ask_vectors(both, places), top_k, where, both)


def warm() -> None:
    """Load the embedder and open the index, so that the first question does not wait."""
    try:
        get_embedder().load()
        index.warm()
    except (EngineError, IndexUnavailable):
        logger.exception("search starts with words alone")


def _find(query: str, where: _Where, depth: int = CANDIDATES) -> _Candidates:
    """Ask both indexes, keep what may answer, fuse.

    The indexes also hold the chunks of other releases; where those fill what came back, ask deeper.
    """
    asked: Future[_Near] = _threads.submit(_ask_vectors, query, where.places, depth)
    hits = lexical.search(query_tokens(query), [place.pk for place in where.places], depth)
    near = asked.result()
    by_words = {hit.chunk_id: hit.score for hit in hits}
    documents = _answering(where, by_words, near.similarity)
    keys = {pk: key for pk, (key, _document) in documents.items()}
    if depth < DEEPER and (_is_crowded(by_words, keys) or _is_crowded(near.similarity, keys.values())):
        return _find(query, where, DEEPER)
    words = scoring.stretch({pk: score for pk, score in by_words.items() if pk in keys})
    dense = scoring.stretch({pk: near.similarity[key] for pk, key in keys.items() if key in near.similarity})
    nearest = max(near.similarity.values(), default=0.0)
    fused = scoring.fuse(words, dense, scoring.dense_weight(near.fertility, nearest))
    best = [(hit.score, *documents[hit.chunk_id]) for hit in hits if hit.chunk_id in documents]
    bm25 = [(score, document) for score, _key, document in best[:SCORED]]
    return _Candidates(fused, words, dense, near, bm25, best[0][1] if best else "")


def _is_crowded(found: Mapping[Key, float], answering: Iterable[Key]) -> bool:
    """Say whether most of what an index gave may not answer, while it has more to give."""
    return len(found) >= CANDIDATES and len(found.keys() & set(answering)) < ENOUGH


def _ask_vectors(query: str, places: Sequence[Collection], depth: int = CANDIDATES) -> _Near:
    """Embed the question and find its neighbours; runs in a thread of its own, without the database."""
    try:
        embedder = get_embedder()
        vectors = {embedder.name: embedder.embed_query(query)}
        fertility = embedder.token_fertility(query)
        found: list[tuple[str, float]] = []
        is_partial = False
        for place in places:
            if (vector := _vector_for(place, query, vectors)) is None:
                is_partial = True
            else:
                found += index.query(place, vector, depth)
    except (EngineError, IndexUnavailable) as exc:
        logger.warning("search goes by words alone: %s", exc)
        return _Near({}, None, 0.0, is_partial=True)
    found.sort(key=lambda pair: -pair[1])
    return _Near(dict(found[:depth]), vectors[embedder.name], fertility, is_partial)


def _vector_for(place: Collection, query: str, vectors: dict[str, Vectors]) -> Vectors | None:
    """The question's vector as a collection's embedder makes it: another one while it is indexed anew.

    None where that embedder cannot be loaded any more.
    """
    name = index.embedder_name(place)
    if name not in vectors:
        try:
            vectors[name] = get_embedder(name).embed_query(query)
        except EngineError as exc:
            logger.warning("%s is searched by words alone until it is indexed anew: %s", place.slug, exc)
            return None
    return vectors[name]


def _answering(where: _Where, ids: Iterable[int], keys: Iterable[str]) -> dict[int, tuple[str, UUID]]:
    """Look up which of these chunks may answer here: id → key and document."""
    rows = chunks_answering(where.places, where.scope).filter(Q(pk__in=list(ids)) | Q(key__in=list(keys)))
    found = rows.order_by().values_list("pk", "key", "document_id")
    return {pk: (key, document) for pk, key, document in found}


def _rank(
    query: str,
    found: _Candidates,
    fused: Mapping[int, float],
    near: _Near,
    top_k: int,
    where: _Where,
    both: str = "",
) -> SearchResult:
    """Read the sentences of the best candidates, order by them, and say how sure that is.

    near, both: of a follow-up together with the question before, which says what it is about.
    """
    matcher = Matcher(query, lexical.weigh)
    asked = Question(query, matcher)
    first = sorted(fused, key=lambda pk: (-fused[pk], pk))[: max(top_k, RERANKED)]
    chunks = Chunk.objects.select_related("document__collection").in_bulk(first)
    sentences = {
        pk: scoring.score_sentences(chunks[pk].text, matcher) for pk in first if pk in chunks
    }  # a chunk deleted in between is gone
    final = {pk: scoring.add_best_sentence(fused[pk], scored) for pk, scored in sentences.items()}
    order = sorted(final, key=lambda pk: (-final[pk], pk))[:top_k]
    quotable = [(chunks[pk].text, scoring.score_quotes(chunks[pk].text, asked), final[pk]) for pk in order]
    mixed = mix_sentences(quotable, found.near.vector, found.near.fertility)
    passages = tuple(
        replace(
            passage,
            score=final[pk],
            dense=found.dense.get(pk, 0.0),
            words=found.words.get(pk, 0.0),
            sentences=scored,
            parts=_parts(pk, found, fused[pk], final[pk], is_follow_up=bool(both)),
        )
        for pk, passage, scored in zip(
            order, as_passages([chunks[pk] for pk in order], where.scope), mixed, strict=True
        )
    )
    score = max(map(score_evidence, _weigh_evidence(passages, found, near, asked, both)))
    confidence = estimate_confidence(score, _threshold(passages, where))
    is_answerable = bool(passages) and confidence >= THRESHOLD
    return SearchResult(passages, confidence, is_answerable, found.near.is_partial, score)


def _threshold(passages: Sequence[Passage], where: _Where) -> float:
    """Say where the collection of the best passage draws the line."""
    drawn = Calibration.objects.filter(collection__in=[place.pk for place in where.places])
    by_slug: dict[str, float] = dict(drawn.values_list("collection__slug", "threshold"))
    return by_slug.get(passages[0].collection_slug, 0.0) if passages else 0.0


def _weigh_evidence(
    best: Sequence[Passage], found: _Candidates, near: _Near, asked: Question, both: str
) -> list[Evidence]:
    """Weigh what was found; together with the question before only where this one finds something itself."""
    keys = sorted(near.similarity, key=lambda key: -near.similarity[key])
    material = Found(
        texts=[indexed_text(one.document_title, one.heading, one.text) for one in best[:READ]],
        bodies=[one.text for one in best[:READ]],
        scores=found.bm25,
        place=keys.index(found.first) if found.first in near.similarity else None,
        nearest=max(near.similarity.values(), default=0.0),
        known=0.0 if near.is_partial else scoring.share_known(near.fertility),
    )
    own = asked.weigh_best(material)
    if not both or own[0].coverage < OWN_COVERAGE:
        return own
    return [*own, Question(both, Matcher(both, lexical.weigh)).weigh(material)]


def _parts(pk: int, found: _Candidates, fused: float, score: float, *, is_follow_up: bool) -> Parts:
    """Take a score apart again, as fusion, the question before and the best sentence made it."""
    nearest = max(found.near.similarity.values(), default=0.0)
    share = scoring.dense_weight(found.near.fertility, nearest) if found.dense else 0.0
    whole = (1 + scoring.BEST_SENTENCE) * (1 + scoring.PREVIOUS_TURN if is_follow_up else 1)
    meaning = share * found.dense.get(pk, 0.0) / whole
    words = (1 - share) * found.words.get(pk, 0.0) / whole
    before = fused / (1 + scoring.BEST_SENTENCE)
    return Parts(meaning, words, max(0.0, before - meaning - words), score - before)
