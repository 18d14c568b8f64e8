"""Chunks as the list beside the paper shows them: number, page, size, switched on or off, edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils.translation import ngettext

from knowledge.models import Chunk, ChunkState
from knowledge.views.shown import Shown

FOUND: Final = 40  # chunks that "find in chunks" shows
LETTERS_A_WORD: Final = 12  # more on average: a script that puts no spaces between words


@dataclass(frozen=True, slots=True)
class Editing:
    """The chunk whose form is open, what is written in it, and why it was not taken.

    is_overtaken: somebody else changed the chunk meanwhile; what stands there now is shown beside the form.
    """

    chunk_id: int
    text: str = ""
    error: str = ""
    is_overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One chunk of the list. as_read: what an edit stands for; empty where nobody edited it."""

    chunk: Chunk
    size: str
    as_read: str = ""
    is_open: bool = False
    can_edit: bool = False
    editing: Editing | None = None

    @property
    def number(self) -> int:
        """Counted from 1, as people do."""
        return self.chunk.ordinal + 1

    @property
    def is_on(self) -> bool:
        """Whether it may answer."""
        return self.chunk.state == ChunkState.LIVE


def build_cards(chunks: Sequence[Chunk], shown: Shown, editing: Editing | None = None) -> list[Card]:
    """Describe chunks; asks once for what edited ones said when they were read."""
    as_read = _as_read([chunk for chunk in chunks if chunk.edition])
    return [
        Card(
            chunk=chunk,
            size=size_in_words(chunk.text),
            as_read=as_read.get((chunk.version, chunk.ordinal), ""),
            is_open=shown.open is not None and chunk.pk == shown.open.pk,
            can_edit=shown.is_draft,
            editing=editing if editing and editing.chunk_id == chunk.pk and shown.is_draft else None,
        )
        for chunk in chunks
    ]


def find(shown: Shown, words: str) -> tuple[list[Chunk], int]:
    """Return the first chunks that hold all the words in text or heading, and how many there are."""
    found = shown.chunks
    for word in words.split()[:8]:
        found = found.filter(Q(text__icontains=word) | Q(heading__icontains=word))
    return list(found[:FOUND]), found.count()


def size_in_words(text: str) -> str:
    """Say how long a text is: in words, or in letters where a script has no spaces between words."""
    words = len(text.split())
    if words and len(text) > words * LETTERS_A_WORD:
        letters = len("".join(text.split()))
        return ngettext("%(count)d letter", "%(count)d letters", letters) % {"count": letters}
    return ngettext("%(count)d word", "%(count)d words", words) % {"count": words}


def _as_read(edited: Sequence[Chunk]) -> dict[tuple[int, int], str]:
    if not edited:
        return {}
    rows = Chunk.objects.filter(
        document=edited[0].document_id,
        version__in={chunk.version for chunk in edited},
        ordinal__in=[chunk.ordinal for chunk in edited],
        edition=0,
    )
    return {(row.version, row.ordinal): row.text for row in rows}
