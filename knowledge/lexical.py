"""The word index: BM25 over our own tokens, kept by the database that keeps the chunks.

Its rows are written in the caller's transaction, so they appear and vanish with the chunks.
SQLite and PostgreSQL keep it differently (`lexical_sqlite.py`, `lexical_postgresql.py`) and rank alike.
"""

from collections import Counter
from collections.abc import Collection as Sized
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from django.db import connection, transaction

from knowledge import lexical_frequency, lexical_postgresql, lexical_sqlite
from knowledge.chunking import indexed_text
from knowledge.lexical_row import Hit, Row
from knowledge.models import Chunk
from knowledge.tokens import index_tokens

MAX_REPEATS: Final = 6  # a token counts at most so often in a chunk: more says nothing new
MAX_QUERY_TOKENS: Final = 200  # a pasted page is not a question


class Store(Protocol):
    """What a database can do for the word index."""

    def add(self, rows: Sequence[Row]) -> None: ...
    def remove(self, chunk_ids: Sequence[int]) -> None: ...
    def search(self, tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]: ...
    def list_ids(self, collection_id: int) -> set[int]: ...


def add(chunks: Iterable[Chunk], titles: Mapping[int, str] | None = None) -> None:
    """Index saved chunks (with their document loaded); those already indexed are replaced.

    titles: by chunk id, where it is not the document's own.
    """
    rows = [_row(chunk, (titles or {}).get(chunk.pk)) for chunk in chunks]
    if rows:
        with transaction.atomic():
            _store().remove([row.chunk_id for row in rows])
            _store().add(rows)


def remove(chunks: Iterable[Chunk]) -> None:
    """Take chunks out; those that are not in it are fine. Before their rows go: they lose their ids."""
    remove_ids([chunk.pk for chunk in chunks])


def remove_ids(chunk_ids: Iterable[int]) -> None:
    """Take chunks out by id, also those whose rows are gone."""
    ids = list(chunk_ids)
    if ids:
        with transaction.atomic():
            _store().remove(ids)


def search(tokens: Sequence[str], collection_ids: Sized[int], k: int) -> list[Hit]:
    """Find the `k` best chunks of these collections for a question's distinct tokens.

    No collections means no query and nothing found.
    """
    asked = list(tokens)[:MAX_QUERY_TOKENS]
    if not asked or not collection_ids:
        return []
    return _store().search(asked, sorted(collection_ids), k)


def weigh(tokens: Sequence[str]) -> dict[str, float]:
    """Tell how much each token says, by how few chunks of the whole index hold it; above 0.

    A token that no chunk holds says most. Tokens beyond what a search takes are left out.
    """
    return lexical_frequency.weigh(list(tokens)[:MAX_QUERY_TOKENS])


def list_ids(collection_id: int) -> set[int]:
    """List the chunk ids indexed for a collection."""
    return _store().list_ids(collection_id)


def _row(chunk: Chunk, title: str | None = None) -> Row:
    text = indexed_text(chunk.document.title if title is None else title, chunk.heading, chunk.text)
    counts = Counter(index_tokens(text))
    return Row(
        chunk_id=chunk.pk,
        collection_id=chunk.document.collection_id,
        counts={token: min(count, MAX_REPEATS) for token, count in counts.items()},
    )


def _store() -> Store:
    return lexical_postgresql if connection.vendor == "postgresql" else lexical_sqlite
