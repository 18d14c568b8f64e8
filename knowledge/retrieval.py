"""search(): the passages that answer a question, from what this person may read.

Words and vectors are asked side by side and fused. What they return is looked up in the database
again, with the same rule of access, before anyone sees it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from inference.conf import get_embedder
from inference.embedders.base import Vectors
from inference.errors import EngineError
from knowledge import index, lexical, scoring
from knowledge.access import readable_collections
from knowledge.chunking import indexed_text
from knowledge.confidence import THRESHOLD, Evidence, estimate_confidence
from knowledge.errors import IndexUnavailable
from knowledge.models import Chunk, Collection, DocumentVersion
from knowledge.retrieval_types import Passage, SearchResult, Sentence
from knowledge.scope import LIVE, Scope, chunks_answering, release_numbers, versions_of
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
    """Both sides' scores by chunk id, 0–1 each and fused; only chunks this person may read."""

    fused: dict[int, float]
    words: dict[int, float]
    dense: dict[int, float]
    near: _Near


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
    keys = _answering(where, by_words, near.similarity)
    if depth < DEEPER and (_is_crowded(by_words, keys) or _is_crowded(near.similarity, keys.values())):
        return _find(query, where, DEEPER)
    words = scoring.stretch({pk: score for pk, score in by_words.items() if pk in keys})
    dense = scoring.stretch({pk: near.similarity[key] for pk, key in keys.items() if key in near.similarity})
    nearest = max(near.similarity.values(), default=0.0)
    fused = scoring.fuse(words, dense, scoring.dense_weight(near.fertility, nearest))
    return _Candidates(fused, words, dense, near)


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


def _answering(where: _Where, ids: Iterable[int], keys: Iterable[str]) -> dict[int, str]:
    """Look up which of these chunks may answer here: id → key."""
    rows = chunks_answering(where.places, where.scope).filter(Q(pk__in=list(ids)) | Q(key__in=list(keys)))
    return dict(rows.order_by().values_list("pk", "key"))


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
    numbers = release_numbers(where.places, where.scope)
    versions = versions_of(chunks[pk] for pk in order)
    passages = tuple(
        _passage(
            chunks[pk],
            versions.get((chunks[pk].document_id, chunks[pk].version)),
            numbers.get(chunks[pk].document.collection_id),
            (final[pk], found.dense.get(pk, 0.0), found.words.get(pk, 0.0)),
            scored,
        )
        for pk, scored in zip(order, mixed, strict=True)
    )
    together = Matcher(both, lexical.weigh) if both else None
    confidence = estimate_confidence(_weigh_evidence(passages, near, matcher, together))
    is_answerable = bool(passages) and confidence >= THRESHOLD
    return SearchResult(passages, confidence, is_answerable, found.near.is_partial)


def _weigh_evidence(
    best: Sequence[Passage], near: _Near, matcher: Matcher, together: Matcher | None
) -> Evidence:
    """Weigh what was found; the question before counts only where this one finds something itself."""
    texts = [indexed_text(passage.document_title, passage.heading, passage.text) for passage in best[:3]]
    coverage = max((matcher.coverage(text) for text in texts), default=0.0)
    if together and coverage >= OWN_COVERAGE:
        coverage = max(coverage, *(together.coverage(text) for text in texts))
    return Evidence(
        coverage=coverage,
        dense=max(near.similarity.values(), default=0.0),
        known=0.0 if near.is_partial else scoring.share_known(near.fertility),
    )


def _passage(
    chunk: Chunk,
    version: DocumentVersion | None,
    release: int | None,
    scores: tuple[float, float, float],
    sentences: tuple[Sentence, ...],
) -> Passage:
    """Put together what a reader sees, named as in the chunk's own version of the document."""
    score, dense, words = scores
    named = version or chunk.document
    return Passage(
        chunk_id=chunk.pk,
        chunk_key=chunk.key,
        sha256=chunk.sha256,
        document_id=str(chunk.document_id),
        document_title=named.title or named.name,
        document_name=named.name,
        collection_slug=chunk.document.collection.slug,
        release=release,
        heading=chunk.heading,
        page=chunk.page,
        text=chunk.text,
        score=score,
        dense=dense,
        words=words,
        sentences=sentences,
    )
