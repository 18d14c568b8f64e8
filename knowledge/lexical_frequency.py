"""How many chunks hold each token: one table in every database, kept by whoever writes the word index.

Counting at search time would read through everything that holds a common token. Two rows, whose names
no token can have, hold the number of indexed chunks and their lengths' sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from knowledge.lexical_row import inverse_frequency, weight

ROWS: Final = "#rows"
LENGTH: Final = "#length"


@dataclass(frozen=True, slots=True)
class Frequencies:
    """What BM25 has to know of the whole index. documents: by token, 0 for one that no chunk holds."""

    documents: Mapping[str, int]
    rows: int
    length: int

    @property
    def average_length(self) -> float:
        """Tokens of the usual chunk."""
        return self.length / self.rows if self.rows and self.length else 1.0

    def inverse(self, token: str) -> float:
        """Weigh a token as BM25 ranks."""
        return inverse_frequency(self.documents[token], self.rows)


def read(tokens: Sequence[str]) -> Frequencies:
    """Read what is known of these tokens."""
    names = [*tokens, ROWS, LENGTH]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT term, doc FROM knowledge_word_frequency "  # noqa: S608 - only placeholders
            f"WHERE term IN ({', '.join(['%s'] * len(names))})",
            names,
        )
        known: dict[str, int] = dict(cursor.fetchall())
    return Frequencies(
        {token: known.get(token, 0) for token in tokens}, known.get(ROWS, 0), known.get(LENGTH, 0)
    )


def weigh(tokens: Sequence[str]) -> dict[str, float]:
    """Weigh tokens for comparing texts, above 0."""
    known = read(tokens)
    return {token: weight(held, known.rows) for token, held in known.documents.items()}
