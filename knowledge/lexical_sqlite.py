"""The word index in SQLite: a contentless FTS5 table, filtered by a collection's own token."""

import zlib
from collections.abc import Sequence

from django.db import connection

from knowledge.lexical_row import Hit, Row, weight

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


def remove(chunk_ids: Sequence[int]) -> None:
    """Delete rows; FTS5 needs the very tokens that went in, so they are kept beside it."""
    for start in range(0, len(chunk_ids), _BATCH):
        ids = list(chunk_ids[start : start + _BATCH])
        where = f"WHERE chunk_id IN ({', '.join(['%s'] * len(ids))})"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT chunk_id, collection_id, body FROM knowledge_word_row {where}", ids)  # noqa: S608
            for chunk_id, collection_id, body in cursor.fetchall():
                cursor.execute(
                    "INSERT INTO knowledge_words (knowledge_words, rowid, collection, body) "
                    "VALUES ('delete', %s, %s, %s)",
                    [chunk_id, _name(collection_id), zlib.decompress(body).decode("ascii")],
                )
            cursor.execute(f"DELETE FROM knowledge_word_row {where}", ids)  # noqa: S608


def search(tokens: Sequence[str], collection_ids: Sequence[int], k: int) -> list[Hit]:
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


def weigh(tokens: Sequence[str]) -> dict[str, float]:
    """Weigh tokens by the index's own vocabulary."""
    marks = ", ".join(["%s"] * len(tokens))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_word_row")
        total = cursor.fetchone()[0]
        cursor.execute(
            "SELECT term, doc FROM knowledge_word_frequency "  # noqa: S608 - only placeholders
            f"WHERE term IN ({marks}) AND col = 'body'",
            list(tokens),
        )
        known = dict(cursor.fetchall())
    return {token: weight(known.get(token, 0), total) for token in tokens}


def list_ids(collection_id: int) -> set[int]:
    """List the chunk ids of a collection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chunk_id FROM knowledge_word_row WHERE collection_id = %s", [collection_id])
        return {row[0] for row in cursor.fetchall()}


def _name(collection_id: int) -> str:
    return f"c{collection_id}"
