"""The word index in PostgreSQL: token lists as tsvectors, postings read from their GIN index.

PostgreSQL's own ranking knows no document frequency, so BM25 is summed up here. The n-th occurrence
of a token in a chunk is a lexeme of its own ("word", "word.2", …): then counts, too, come from the
GIN index, and no token list is read back to find a chunk.
"""

from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction

from knowledge import lexical_frequency
from knowledge.lexical_frequency import LENGTH, ROWS, Frequencies
from knowledge.lexical_row import CANDIDATES, K1, B, Hit, Row, split_by_rarity

MAX_LEVEL = 6  # lexical.MAX_REPEATS
_COMMON = 1_000  # postings from which the GIN index, not the row, tells the collection
_WRITERS = 0x6B6E6F77  # advisory lock: writers add to the same frequencies, one after another
# A token's n-th occurrence adds what BM25's factor rises by from n - 1 to n.
_SUM = "sum(weight * (n / (n + norm) - (n - 1) / (n - 1 + norm)))"


def add(rows: Sequence[Row]) -> None:
    """Write rows that are not there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])
        for row in rows:
            lexemes = [_name(row.collection_id), *_lexemes(row)]
            cursor.execute(
                "INSERT INTO knowledge_word_row (chunk_id, collection_id, length, body) "
                "VALUES (%s, %s, %s, array_to_tsvector(%s))",
                [row.chunk_id, row.collection_id, row.length, lexemes],
            )
        frequency = Counter(lexeme for row in rows for lexeme in _lexemes(row))
        frequency.update({ROWS: len(rows), LENGTH: sum(row.length for row in rows)})
        cursor.execute(
            "INSERT INTO knowledge_word_frequency (term, doc) SELECT * FROM unnest(%s::text[], %s::bigint[]) "
            "ON CONFLICT (term) DO UPDATE SET doc = knowledge_word_frequency.doc + excluded.doc",
            [list(frequency), list(frequency.values())],
        )


def remove(chunk_ids: Sequence[int]) -> None:
    """Delete rows and take them off the frequencies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])
        cursor.execute(
            "WITH gone AS (DELETE FROM knowledge_word_row WHERE chunk_id = ANY(%s) RETURNING body, length), "
            "counted AS (SELECT lexeme, count(*) AS doc FROM gone, unnest(body) "
            "WHERE NOT starts_with(lexeme, 'collection.') GROUP BY lexeme "
            "UNION ALL SELECT %s, count(*) FROM gone "
            "UNION ALL SELECT %s, coalesce(sum(length), 0) FROM gone) "
            "UPDATE knowledge_word_frequency SET doc = knowledge_word_frequency.doc - counted.doc "
            "FROM counted WHERE term = counted.lexeme RETURNING term, knowledge_word_frequency.doc",
            [list(chunk_ids), ROWS, LENGTH],
        )
        unused = [term for term, doc in cursor.fetchall() if doc <= 0]
        cursor.execute("DELETE FROM knowledge_word_frequency WHERE term = ANY(%s) AND doc <= 0", [unused])


def search(tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]:
    """Rank by BM25: rare tokens find, common ones re-rank where there are too many postings."""
    levels = {_level(token, n): (token, n) for token in tokens for n in range(1, MAX_LEVEL + 1)}
    known = lexical_frequency.read(list(levels))
    finding, common = split_by_rarity({token: known.documents[token] for token in tokens})
    if not finding:
        return []
    found = _find(_asked(finding, known), known, collection_ids, max(k, CANDIDATES) if common else k)
    if not common:
        return found
    more = _score([hit.chunk_id for hit in found], _asked(common, known), known)
    scores = {hit.chunk_id: hit.score + more.get(hit.chunk_id, 0.0) for hit in found}
    return [Hit(pk, scores[pk]) for pk in sorted(scores, key=lambda pk: (-scores[pk], pk))[:k]]


def list_ids(collection_id: int) -> set[int]:
    """List the chunk ids of a collection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chunk_id FROM knowledge_word_row WHERE collection_id = %s", [collection_id])
        return {row[0] for row in cursor.fetchall()}


def _asked(tokens: Sequence[str], known: Frequencies) -> tuple[list[str], list[float], list[int]]:
    """List the lexemes of tokens that are in the index, with their weights and which occurrence each is."""
    asked = [
        (_level(token, n), known.inverse(token) * (K1 + 1), n)
        for token in tokens
        for n in range(1, MAX_LEVEL + 1)
        if known.documents[_level(token, n)]
    ]
    lexemes, weights, numbers = zip(*asked, strict=True)
    return list(lexemes), list(weights), list(numbers)


def _find(
    asked: tuple[list[str], list[float], list[int]],
    known: Frequencies,
    collection_ids: Sequence[int],
    k: int,
) -> list[Hit]:
    """Sum up BM25 over the chunks that hold any of the lexemes; the `k` best."""
    lexemes, weights, numbers = asked
    collections = " | ".join(f"'{_name(pk)}'" for pk in collection_ids)
    queries = [
        f"'{lexeme}'" if known.documents[lexeme] < _COMMON else f"({collections}) & '{lexeme}'"
        for lexeme in lexemes
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        # a scan, or another index than the GIN one, would unpack every token list
        for switch in ("enable_seqscan", "enable_indexscan", "enable_material", "jit"):
            cursor.execute(f"SET LOCAL {switch} = off")
        cursor.execute(
            "WITH held AS MATERIALIZED ("  # noqa: S608 - a constant and placeholders
            "SELECT r.chunk_id, asked.weight, asked.n, %s::float8 + %s::float8 * r.length AS norm "
            "FROM unnest(%s::text[], %s::float8[], %s::float8[]) AS asked(query, weight, n) "
            "JOIN knowledge_word_row r ON r.body @@ asked.query::tsquery "
            "WHERE r.collection_id + 0 = ANY(%s)"
            f") SELECT chunk_id, {_SUM} AS score FROM held GROUP BY chunk_id "
            f"ORDER BY round({_SUM} * 1e9) DESC, chunk_id LIMIT %s",
            [*_norm(known), queries, weights, numbers, list(collection_ids), k],
        )
        return [Hit(chunk_id, score) for chunk_id, score in cursor.fetchall()]


def _score(
    chunk_ids: Sequence[int], asked: tuple[list[str], list[float], list[int]], known: Frequencies
) -> dict[int, float]:
    """Sum up BM25 of some lexemes for some chunks, from their token lists."""
    lexemes, weights, numbers = asked
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH held AS MATERIALIZED (SELECT r.chunk_id, asked.weight, asked.n, "  # noqa: S608 - as above
            "%s::float8 + %s::float8 * r.length AS norm FROM knowledge_word_row r, unnest(r.body) AS token "
            "JOIN unnest(%s::text[], %s::float8[], %s::float8[]) AS asked(lexeme, weight, n) USING (lexeme) "
            f"WHERE r.chunk_id = ANY(%s)) SELECT chunk_id, {_SUM} FROM held GROUP BY chunk_id",
            [*_norm(known), lexemes, weights, numbers, list(chunk_ids)],
        )
        return dict(cursor.fetchall())


def _norm(known: Frequencies) -> tuple[float, float]:
    """Return BM25's length norm as a constant and a factor of the chunk's length."""
    return K1 * (1 - B), K1 * B / known.average_length


def _lexemes(row: Row) -> list[str]:
    return [_level(token, n) for token, count in row.counts.items() for n in range(1, count + 1)]


def _level(token: str, level: int) -> str:
    return token if level == 1 else f"{token}.{level}"


def _name(collection_id: int) -> str:
    return f"collection.{collection_id}"
