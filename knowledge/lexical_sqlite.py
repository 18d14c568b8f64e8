"""The word index in SQLite: a contentless FTS5 table, filtered by a collection's own token."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

from django.db import connection

from knowledge import lexical_frequency
from knowledge.lexical_frequency import LENGTH, ROWS, Frequencies
from knowledge.lexical_row import CANDIDATES, Hit, Row, saturate, split_by_rarity

_BATCH = 500  # ids a statement


def add(rows: Sequence[Row]) -> None:
    """Write rows that are not there."""
    with connection.cursor() as cursor:
        for row in rows:
            body = " ".join(token for token, count in row.counts.items() for _ in range(count))
            cursor.execute(
                "INSERT INTO knowledge_words (rowid, collection, body) VALUES (%s, %s, %s)",
                [row.chunk_id, _name(row.collection_id), body],
            )
            cursor.execute(
                "INSERT INTO knowledge_word_row (chunk_id, collection_id, length, body) "
                "VALUES (%s, %s, %s, %s)",
                [row.chunk_id, row.collection_id, row.length, zlib.compress(body.encode("ascii"), 3)],
            )
    held = Counter(token for row in rows for token in row.counts)
    _count({**held, ROWS: len(rows), LENGTH: sum(row.length for row in rows)}, 1)


def remove(chunk_ids: Sequence[int]) -> None:
    """Delete rows; FTS5 needs the very tokens that went in, so they are kept beside it."""
    for start in range(0, len(chunk_ids), _BATCH):
        ids = list(chunk_ids[start : start + _BATCH])
        where = f"WHERE chunk_id IN ({', '.join(['%s'] * len(ids))})"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT chunk_id, collection_id, length, body FROM knowledge_word_row {where}",  # noqa: S608
                ids,
            )
            rows = [(*row, zlib.decompress(body).decode("ascii")) for *row, body in cursor.fetchall()]
            for chunk_id, collection_id, _length, body in rows:
                cursor.execute(
                    "INSERT INTO knowledge_words (knowledge_words, rowid, collection, body) "
                    "VALUES ('delete', %s, %s, %s)",
                    [chunk_id, _name(collection_id), body],
                )
            cursor.execute(f"DELETE FROM knowledge_word_row {where}", ids)  # noqa: S608
        if rows:
            held = Counter(token for *_row, body in rows for token in set(body.split()))
            _count({**held, ROWS: len(rows), LENGTH: sum(length for _pk, _in, length, _body in rows)}, -1)


def search(tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]:
    """Rank by BM25: rare tokens find, common ones re-rank where there are too many postings."""
    known = lexical_frequency.read(tokens)
    finding, common = split_by_rarity(known.documents)
    if not finding:
        return []
    found = _find(finding, collection_ids, max(k, CANDIDATES) if common else k)
    if not common:
        return found
    more = _score([hit.chunk_id for hit in found], common, known)
    scores = {hit.chunk_id: hit.score + more[hit.chunk_id] for hit in found}
    return [Hit(pk, scores[pk]) for pk in sorted(scores, key=lambda pk: (-scores[pk], pk))[:k]]


def list_ids(collection_id: int) -> set[int]:
    """List the chunk ids of a collection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chunk_id FROM knowledge_word_row WHERE collection_id = %s", [collection_id])
        return {row[0] for row in cursor.fetchall()}


def _find(tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]:
    """Rank by FTS5's BM25; the collection's token chooses rows and counts for nothing."""
    collections = " OR ".join(_name(pk) for pk in collection_ids)
    asked = " OR ".join(f'"{token}"' for token in tokens)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rowid, -bm25(knowledge_words, 0.0, 1.0) AS score FROM knowledge_words "
            "WHERE knowledge_words MATCH %s ORDER BY score DESC, rowid LIMIT %s",
            [f"collection : ({collections}) AND body : ({asked})", k],
        )
        return [Hit(chunk_id, score) for chunk_id, score in cursor.fetchall()]


def _score(chunk_ids: Sequence[int], tokens: Sequence[str], known: Frequencies) -> dict[int, float]:
    """Sum up BM25 of some tokens for some chunks, from the token lists kept beside FTS5."""
    weights = {token.encode("ascii"): known.inverse(token) for token in tokens}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT chunk_id, length, body FROM knowledge_word_row "  # noqa: S608 - only placeholders
            f"WHERE chunk_id IN ({', '.join(['%s'] * len(chunk_ids))})",
            list(chunk_ids),
        )
        rows = cursor.fetchall()
    scores = dict.fromkeys(chunk_ids, 0.0)
    for chunk_id, length, body in rows:
        held = Counter(zlib.decompress(body).split())
        scores[chunk_id] = sum(
            weight * saturate(held[token], length, known.average_length)
            for token, weight in weights.items()
            if token in held
        )
    return scores


def _count(held: Mapping[str, int], sign: int) -> None:
    """Add to the frequencies, or take off; a token that no chunk holds any more has no row."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO knowledge_word_frequency (term, doc) VALUES (%s, %s) "
            "ON CONFLICT (term) DO UPDATE SET doc = doc + excluded.doc",
            [(token, sign * count) for token, count in held.items()],
        )
        if sign < 0:
            cursor.executemany(
                "DELETE FROM knowledge_word_frequency WHERE term = %s AND doc <= 0",
                [(token,) for token in held],
            )


def _name(collection_id: int) -> str:
    return f"c{collection_id}"
