"""Find documents by words that stand in their text, for the people who manage them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from knowledge import lexical
from knowledge.models import Collection
from knowledge.scope import DRAFT, chunks_answering
from knowledge.tokens import Matcher, query_tokens

LOOKED_AT: Final = 200  # chunks, best first
MAX_WORDS: Final = 8
HELD: Final = 0.5  # of a word's letters, so that its inflected forms count


def documents_saying(text: str, places: Sequence[Collection]) -> set[UUID]:
    """Find the documents whose draft has a passage with all of these words."""
    hits = lexical.search(query_tokens(text), [place.pk for place in places], LOOKED_AT)
    matchers = [Matcher(word, _alike) for word in text.split()[:MAX_WORDS]]
    rows = chunks_answering(places, DRAFT).filter(pk__in=[hit.chunk_id for hit in hits])
    found = rows.order_by().values_list("document_id", "heading", "text")
    return {
        document
        for document, heading, body in found
        if all(matcher.coverage(f"{heading}\n{body}") >= HELD for matcher in matchers)
    }


def _alike(tokens: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(tokens, 1.0)
