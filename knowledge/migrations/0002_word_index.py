"""Tables of the word index. Not models: each database keeps it in its own way, see knowledge/lexical.py."""

from django.db import migrations

SQLITE = [
    # contentless: the tokens needed for a deletion are in knowledge_word_row, compressed
    "CREATE VIRTUAL TABLE knowledge_words USING fts5(collection, body, content='', tokenize='ascii')",
    "CREATE VIRTUAL TABLE knowledge_word_frequency USING fts5vocab(knowledge_words, 'col')",
    "CREATE TABLE knowledge_word_row ("
    "chunk_id INTEGER PRIMARY KEY, collection_id INTEGER NOT NULL, length INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX knowledge_word_row_collection ON knowledge_word_row (collection_id)",
]
SQLITE_BACK = ["knowledge_word_frequency", "knowledge_words", "knowledge_word_row"]
POSTGRESQL = [
    # one lexeme for each time a token occurs ("word", "word.2", …): postings come from the GIN index alone
    "CREATE TABLE knowledge_word_row ("
    "chunk_id BIGINT PRIMARY KEY, collection_id BIGINT NOT NULL, length INTEGER NOT NULL, body TSVECTOR NOT NULL)",
    "CREATE INDEX knowledge_word_row_collection ON knowledge_word_row (collection_id)",
    # without the list of pending entries, which every look-up of every token would read through
    "CREATE INDEX knowledge_word_row_body ON knowledge_word_row USING GIN (body) WITH (fastupdate = off)",
    "CREATE TABLE knowledge_word_frequency (term TEXT PRIMARY KEY, doc INTEGER NOT NULL)",
]
POSTGRESQL_BACK = ["knowledge_word_frequency", "knowledge_word_row"]


def create(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for table in POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK:
        schema_editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
