"""The word index in PostgreSQL: token lists as tsvectors, postings read from their GIN index.

PostgreSQL's own ranking knows no document frequency, so BM25 is summed up here. The n-th occurrence
of a token in a chunk is a lexeme of its own ("word", "word.2", …): then counts, too, come from the
GIN index, and no token list is ever read back while searching.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from django.db import connection, transaction

from knowledge.lexical_row import Hit, Row, inverse_frequency, saturate, weight

MAX_POSTINGS = 60_000  # beyond these the commonest tokens only re-rank what the rarer ones found
CANDIDATES = 500
MAX_LEVEL = 6  # lexical.MAX_REPEATS
_COMMON = 1_000  # postings from which the GIN index, not the row, tells the collection
_WRITERS = 0x6B6E6F77  # advisory lock: writers add to the same frequencies, one after another

Postings = dict[int, dict[str, int]]  # chunk id → token → count


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
        cursor.execute(
            "INSERT INTO knowledge_word_frequency (term, doc) SELECT * FROM unnest(%s::text[], %s::int[]) "
            "ON CONFLICT (term) DO UPDATE SET doc = knowledge_word_frequency.doc + excluded.doc",
            [list(frequency), list(frequency.values())],
        )


def remove(chunk_ids: Sequence[int]) -> None:
    """Delete rows and take them off the frequencies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])
        cursor.execute(
            "WITH gone AS (DELETE FROM knowledge_word_row WHERE chunk_id = ANY(%s) RETURNING body), "
            "counted AS (SELECT lexeme, count(*) AS doc FROM gone, unnest(body) "
            "WHERE NOT starts_with(lexeme, 'collection.') GROUP BY lexeme) "
            "UPDATE knowledge_word_frequency SET doc = knowledge_word_frequency.doc - counted.doc "
            "FROM counted WHERE term = counted.lexeme RETURNING term, knowledge_word_frequency.doc",
            [list(chunk_ids)],
        )
        unused = [term for term, doc in cursor.fetchall() if doc <= 0]
        cursor.execute("DELETE FROM knowledge_word_frequency WHERE term = ANY(%s) AND doc <= 0", [unused])


def search(tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]:
    """Rank by BM25: rare tokens find, common ones re-rank where there are too many postings."""
    frequency = _frequencies(tokens)
    total = _count_rows()
    weights = {token: inverse_frequency(doc, total) for token, doc in frequency.items()}
    by_rarity = sorted((token for token in tokens if frequency[token]), key=lambda token: frequency[token])
    finding: list[str] = []
    reading = 0
    for token in by_rarity:
        reading += frequency[token]
        if finding and reading > MAX_POSTINGS:
            break
        finding.append(token)
    postings, lengths = _read(finding, collection_ids, None)
    average = _average_length()
    scores = _score(postings, lengths, weights, average)
    if common := by_rarity[len(finding) :]:
        nearest = sorted(scores, key=lambda pk: (-scores[pk], pk))[: max(k, CANDIDATES)]
        more, _lengths = _read(common, collection_ids, nearest)
        merged = {pk: postings[pk] | more.get(pk, {}) for pk in nearest}
        scores = _score(merged, lengths, weights, average)
    best = sorted(scores, key=lambda pk: (-scores[pk], pk))[:k]
    return [Hit(pk, scores[pk]) for pk in best]


def weigh(tokens: Sequence[str]) -> dict[str, float]:
    """Weigh tokens by the frequency table."""
    total = _count_rows()
    return {token: weight(doc, total) for token, doc in _frequencies(tokens).items()}


def list_ids(collection_id: int) -> set[int]:
    """List the chunk ids of a collection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chunk_id FROM knowledge_word_row WHERE collection_id = %s", [collection_id])
        return {row[0] for row in cursor.fetchall()}


def _frequencies(tokens: Sequence[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT term, doc FROM knowledge_word_frequency WHERE term = ANY(%s)", [list(tokens)])
        known = dict(cursor.fetchall())
    return {token: known.get(token, 0) for token in tokens}


def _count_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_word_row")
        return int(cursor.fetchone()[0])


def _average_length() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT avg(length)::float FROM knowledge_word_row")
        return cursor.fetchone()[0] or 1.0


def _read(
    tokens: Sequence[str], collection_ids: Sequence[int], only: list[int] | None
) -> tuple[Postings, dict[int, int]]:
    """Read how often each chunk holds each token, and the chunks' lengths."""
    collections = " | ".join(f"'{_name(pk)}'" for pk in collection_ids)
    levels = {_level(token, n): token for token in tokens for n in range(1, MAX_LEVEL + 1)}
    known = {lexeme: count for lexeme, count in _frequencies(list(levels)).items() if count}
    queries = [
        f"'{lexeme}'" if count < _COMMON else f"({collections}) & '{lexeme}'"
        for lexeme, count in known.items()
    ]
    postings: Postings = defaultdict(dict)
    lengths: dict[int, int] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        # a scan, or the collection's own index (hence "+ 0"), would unpack every token list
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "SELECT asked.token, r.chunk_id, r.length "
            "FROM unnest(%s::text[], %s::text[]) AS asked(token, query) "
            "JOIN knowledge_word_row r ON r.body @@ asked.query::tsquery "
            "WHERE r.collection_id + 0 = ANY(%s) AND (%s::bigint[] IS NULL OR r.chunk_id = ANY(%s))",
            [[levels[lexeme] for lexeme in known], queries, list(collection_ids), only, only],
        )
        for token, chunk_id, length in cursor.fetchall():
            held = postings[chunk_id]
            held[token] = held.get(token, 0) + 1
            lengths[chunk_id] = length
    return dict(postings), lengths


def _score(
    postings: Postings, lengths: dict[int, int], weights: dict[str, float], average: float
) -> dict[int, float]:
    return {
        pk: sum(weights[token] * saturate(count, lengths[pk], average) for token, count in held.items())
        for pk, held in postings.items()
    }


def _lexemes(row: Row) -> list[str]:
    return [_level(token, n) for token, count in row.counts.items() for n in range(1, count + 1)]


def _level(token: str, level: int) -> str:
    return token if level == 1 else f"{token}.{level}"


def _name(collection_id: int) -> str:
    return f"collection.{collection_id}"
