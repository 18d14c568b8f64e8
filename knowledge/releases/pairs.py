"""Changed documents as the release has them beside what the draft has: what the document checks compare."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.db.models import QuerySet

from knowledge.evaluation import fold
from knowledge.models import Chunk, Collection, Document
from knowledge.releases.changes import Change, ChangeKind
from knowledge.scope import DRAFT, Scope, chunks_answering, of
from knowledge.sentences import split_sentences

MOST: Final = 400  # changed documents looked into; of more, every so many-th


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, as far as the checks care."""

    pk: int
    key: str
    sha256: str
    text: str
    heading: str
    page: int | None


@dataclass(frozen=True)
class Side:
    """A document's chunks in one scope, in reading order. pages: of the file, None where it has none."""

    pieces: tuple[Piece, ...]
    pages: int | None = None

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Its distinct sentences in order, folded; the overlap of neighbouring chunks counts once."""
        return tuple(dict.fromkeys(text for piece in self.pieces for text in sentences_of(piece.text)))

    @cached_property
    def text(self) -> str:
        """All its chunks' texts."""
        return "\n".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Pair:
    """A changed document: what the release has of it and what the draft has; either may be nothing.

    read: what was read of the newer file, also what people switched off or edited since.
    """

    document: Document
    kind: ChangeKind
    before: Side
    after: Side
    read: Side

    @property
    def is_new(self) -> bool:
        """Whether there is nothing to compare with."""
        return not self.before.pieces


def sentences_of(text: str) -> Iterator[str]:
    """Yield a text's sentences, folded for comparing."""
    return (fold(text[start:end]) for start, end in split_sentences(text))


def load_pairs(collection: Collection, changed: Iterable[Change]) -> list[Pair]:
    """Load the documents whose text changed; those merely off or unread have no text to look into."""
    kinds = (ChangeKind.NEW, ChangeKind.VERSION, ChangeKind.EDITED)
    rows = [change for change in changed if change.kind in kinds]
    step = max(1, -(-len(rows) // MOST))
    live = of(collection.release) if collection.release else None
    return [_pair(change, live) for change in rows[::step]]


def _pair(change: Change, live: Scope | None) -> Pair:
    document = change.document
    before = _answering(document, live, change.before) if live else Side(())
    after = _answering(document, DRAFT, change.after)
    as_read = document.chunks.filter(version=change.after or 0, edition=0)
    return Pair(document, change.kind, before, after, _side(document, as_read, change.after))


def _answering(document: Document, scope: Scope, number: int | None) -> Side:
    chunks = chunks_answering([document.collection], scope).filter(document=document)
    return _side(document, chunks, number)


def _side(document: Document, chunks: QuerySet[Chunk], number: int | None) -> Side:
    version = document.versions.filter(number=number).first() if number else None
    return Side(tuple(piece_of(chunk) for chunk in chunks), version.pages if version else None)


def piece_of(chunk: Chunk) -> Piece:
    """Take what the checks need."""
    return Piece(chunk.pk, chunk.key, chunk.sha256, chunk.text, chunk.heading, chunk.page)
