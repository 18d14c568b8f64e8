"""A question asked as a test: of a draft or a release, as one person or another. Reads only."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from knowledge import lexical, retrieval
from knowledge.access import readable_collections, readable_to_group, readable_to_signed_in
from knowledge.confidence import THRESHOLD
from knowledge.evaluation import fold
from knowledge.language import detect
from knowledge.marking import Piece, mark
from knowledge.models import Chunk, Collection, Expectation, GoldenQuestion, Release
from knowledge.question_words import asking_words
from knowledge.retrieval_types import Passage, SearchResult
from knowledge.scope import DRAFT, LIVE, Scope, of
from knowledge.tokens import Matcher, words

if TYPE_CHECKING:
    from accounts.models import User

SHOWN_TO_MODEL: Final = 5
TOP: Final = 10
MOST_RELEASES: Final = 20


@dataclass(frozen=True, slots=True)
class Option:
    """What a person may choose: its key in the address, and its name."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage as the page shows it. number: of its chunk; is_expected: by a golden question."""

    rank: int
    passage: Passage
    number: int
    pieces: tuple[Piece, ...]
    is_expected: bool

    @property
    def bars(self) -> tuple[tuple[str, float, float], ...]:
        """Name, start and width of each part of the score, in per cent of the whole line."""
        parts = self.passage.parts
        start, bars = 0.0, []
        for name, part in (
            ("a", parts.meaning),
            ("b", parts.words),
            ("d", parts.previous),
            ("c", parts.sentence),
        ):
            bars.append((name, round(start, 2), round(100 * part, 2)))
            start += 100 * part
        return tuple(bars)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a question. below: passages found that the model is never shown."""

    hits: tuple[Hit, ...]
    below: tuple[Hit, ...]
    result: SearchResult
    milliseconds: int
    may_read: bool
    has_previous: bool

    @property
    def confidence(self) -> float:
        """In per cent, as a length."""
        return round(100 * self.result.confidence, 1)

    @property
    def line(self) -> float:
        """Where answering begins, in per cent."""
        return 100 * THRESHOLD

    @property
    def all_hits(self) -> tuple[Hit, ...]:
        """Best first, above and below the cut-off."""
        return (*self.hits, *self.below)


def scope_options(place: Collection | None) -> list[Option]:
    """What may be asked: the draft, what is published, and older releases of one collection."""
    if place is not None and place.release is None:
        return [Option("draft", _("Everything that is ready"))]
    options = [Option("draft", _("Draft")), Option("live", _("Published"))]
    if place is None or place.release is None:
        return options
    options[1] = Option("live", _("Release %(number)d (published)") % {"number": place.release.number})
    older = place.releases.exclude(pk=place.release.pk)[:MOST_RELEASES]
    return options + [
        Option(str(release.number), _("Release %(number)d") % {"number": release.number}) for release in older
    ]


def scope_of(key: str, place: Collection | None) -> Scope:
    """Read a chosen scope; anything unknown is the draft."""
    if key == "live":
        return LIVE
    if place is not None and key.isascii() and key.isdecimal() and len(key) < 10:
        release: Release | None = place.releases.filter(number=int(key)).first()
        return of(release) if release else DRAFT
    return DRAFT


def reader_options() -> list[Option]:
    """As whom a question may be asked."""
    groups = [Option(f"group-{group.pk}", group.name) for group in Group.objects.order_by("name")[:100]]
    return [
        Option("", _("Me")),
        Option("guest", _("A guest")),
        Option("signed-in", _("Somebody signed in")),
        *groups,
    ]


def places_read_by(key: str, places: QuerySet[Collection]) -> QuerySet[Collection]:
    """Keep of these collections what such a person may read; an unknown key keeps them all."""
    if key == "guest":
        readable = readable_collections(AnonymousUser())
    elif key == "signed-in":
        readable = readable_to_signed_in()
    elif (number := key.removeprefix("group-")) != key and number.isascii() and number.isdecimal():
        group = Group.objects.filter(pk=int(number[:9])).first()
        readable = readable_to_group(group) if group else Collection.objects.none()
    else:
        return places
    return places.filter(pk__in=readable.values("pk"))


def ask(
    question: str, *, user: "User", places: QuerySet[Collection], reader: str, previous: str, scope: Scope
) -> Trial:
    """Ask as the chat would, for as many passages as the page shows, and time it.

    places: which the person may manage; reader: as whom (`reader_options`).
    """
    readable = places_read_by(reader, places)
    began = time.perf_counter()
    result = retrieval.search(
        question, user=user, collections=readable, top_k=TOP, previous=previous, scope=scope
    )
    milliseconds = round(1000 * (time.perf_counter() - began))
    hits = _hits(question, result.passages, places)
    shown = SHOWN_TO_MODEL if result.is_answerable else 0
    return Trial(
        hits=hits[:shown],
        below=hits[shown:],
        result=result,
        milliseconds=milliseconds,
        may_read=readable.exists(),
        has_previous=bool(previous.strip()),
    )


def _hits(question: str, passages: Sequence[Passage], places: QuerySet[Collection]) -> tuple[Hit, ...]:
    matcher = Matcher(question, lexical.weigh)
    dull = asking_words(words(question))
    numbers = dict(
        Chunk.objects.filter(pk__in=[one.chunk_id for one in passages]).values_list("pk", "ordinal")
    )
    expected = _expected(question, places)
    return tuple(
        Hit(
            rank=rank,
            passage=one,
            number=numbers.get(one.chunk_id, 0) + 1,
            pieces=mark(one.text, matcher, one.best_sentence if one.parts.sentence else None, dull),
            is_expected=one.document_id in expected,
        )
        for rank, one in enumerate(passages, start=1)
    )


def _expected(question: str, places: QuerySet[Collection]) -> set[str]:
    """Documents that golden questions with these words expect."""
    folded = fold(question)
    rows = GoldenQuestion.objects.filter(
        collection__in=places, expectation=Expectation.FIND, language=detect(question)
    )
    return {str(document) for text, document in rows.values_list("text", "document") if fold(text) == folded}
