"""Approved answers: find the entry that answers a question, keep one, and name its place in a document.

An entry answers only a question that asks the same as its own or one of its other wordings
(knowledge.same_question), of a collection that the person may read. What its questions come down to is
kept in memory, as long as the collection's entries stand as they did.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from accounts.models import User
from knowledge import lexical, scoring
from knowledge.access import readable_collections
from knowledge.models import ApprovedAnswer, Chunk, Collection
from knowledge.passages import as_passages
from knowledge.retrieval_types import Passage, Sentence
from knowledge.same_question import Asked, asked, fold
from knowledge.scope import chunks_answering
from knowledge.tokens import Matcher

MAX_CHUNKS: Final = 300  # of a document, looked through for the place to name
LONGEST: Final = 1000  # characters; a question of an entry has up to 500
KEPT: Final = 200  # collections whose entries stay in memory

Stamp = tuple[int, datetime]  # how many entries are active, and when the last of them was changed


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A collection's questions: ids of entries by the question as folded, and by what it asks."""

    stamp: Stamp
    exact: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    same: dict[Asked, list[int]] = field(default_factory=lambda: defaultdict(list))


_shelves: dict[int, _Shelf] = {}


def find(
    question: str,
    *,
    user: User | AnonymousUser,
    collections: QuerySet[Collection] | None = None,
    language: str = "",
) -> ApprovedAnswer | None:
    """Find the entry that answers a question; None where there is none, or it is doubtful.

    collections: look only here; what `user` may not read is left out in any case. language: preferred where
    several entries answer; then the newest.
    """
    allowed = readable_collections(user)
    if collections is not None:
        allowed = allowed.filter(pk__in=collections.values("pk"))
    shelves = [_shelf(collection_id, stamp) for collection_id, stamp in _stamps(allowed)]
    if not shelves:
        return None
    if len(question) > LONGEST:
        return None
    folded, wanted = fold(question), asked(question)
    if not folded:  # a mark alone asks nothing
        return None
    ids = [pk for shelf in shelves for pk in shelf.exact.get(folded, ())]
    if not ids and wanted:
        ids = [pk for shelf in shelves for pk in shelf.same.get(wanted, ())]
    if not ids:
        return None
    found = ApprovedAnswer.objects.filter(pk__in=ids, is_active=True, collection__in=allowed.values("pk"))
    return min(found, key=lambda entry: (entry.language != language, -entry.pk), default=None)


def answers(entry: ApprovedAnswer, question: str) -> bool:
    """Say whether an entry, saved or not, answers a question."""
    own = [entry.question, *entry.wordings]
    folded = fold(question)
    if not folded:
        return False
    if folded in {fold(one) for one in own}:
        return True
    wanted = asked(question)
    return bool(wanted) and wanted in {asked(one) for one in own}


def approve(entry: ApprovedAnswer, by: User) -> ApprovedAnswer:
    """Save an entry in its person's name: whoever changes it approves it anew."""
    entry.approved_by, entry.approved_at = by, timezone.now()
    entry.save()
    return entry


def switch(entry: ApprovedAnswer, *, is_active: bool) -> None:
    """Let an entry answer, or not for now."""
    entry.is_active = is_active
    entry.save(update_fields=["is_active", "updated_at"])


def place_of(entry: ApprovedAnswer, user: User | AnonymousUser) -> Passage | None:
    """Return where the entry's document says so; None where it names none that may answer this person."""
    if entry.document_id is None:
        return None
    places = list(readable_collections(user).filter(documents=entry.document_id))
    chunks = _chunks(places, entry.document_id)
    if not chunks:
        return None
    matcher = Matcher(f"{entry.question} {entry.text}", lexical.weigh)
    coverage = {chunk.pk: matcher.coverage(f"{chunk.heading} {chunk.text}") for chunk in chunks}
    best = max(chunks, key=lambda chunk: (coverage[chunk.pk], -chunk.ordinal))
    sentences = tuple(
        Sentence(one.start, one.end, one.words) for one in scoring.score_sentences(best.text, matcher)
    )
    (passage,) = as_passages([best])
    return replace(passage, score=coverage[best.pk], words=coverage[best.pk], sentences=sentences)


def _chunks(places: Sequence[Collection], document_id: UUID) -> list[Chunk]:
    answering = chunks_answering(places).filter(document=document_id)
    return list(answering.select_related("document__collection").order_by("version", "ordinal")[:MAX_CHUNKS])


def _stamps(allowed: QuerySet[Collection]) -> list[tuple[int, Stamp]]:
    active = ApprovedAnswer.objects.filter(is_active=True, collection__in=allowed.values("pk")).order_by()
    rows = active.values_list("collection").annotate(Count("pk"), Max("updated_at"))
    return [(collection, (count, newest)) for collection, count, newest in rows]


def _shelf(collection_id: int, stamp: Stamp) -> _Shelf:
    """Return a collection's questions, read again where its entries were changed since."""
    kept = _shelves.get(collection_id)
    if kept and kept.stamp == stamp:
        return kept
    shelf = _Shelf(stamp)
    entries = ApprovedAnswer.objects.filter(collection=collection_id, is_active=True).order_by()
    for pk, question, wordings in entries.values_list("pk", "question", "wordings"):
        for one in (question, *wordings):
            shelf.exact[fold(one)].append(pk)
            shelf.same[asked(one)].append(pk)
    if len(_shelves) >= KEPT:
        _shelves.clear()
    _shelves[collection_id] = shelf
    return shelf
