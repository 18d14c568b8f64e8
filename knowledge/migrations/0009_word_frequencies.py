"""Keep how many chunks hold each token in a table on SQLite too, and on both the index's size."""

from django.db import migrations

TOTALS = (
    "INSERT INTO knowledge_word_frequency (term, doc) "
    "SELECT '#rows', count(*) FROM knowledge_word_row "
    "UNION ALL SELECT '#length', coalesce(sum(length), 0) FROM knowledge_word_row"
)
SQLITE = [
    "CREATE TABLE knowledge_word_count (term TEXT PRIMARY KEY, doc INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO knowledge_word_count SELECT term, doc FROM knowledge_word_frequency WHERE col = 'body'",
    "DROP TABLE knowledge_word_frequency",
    "ALTER TABLE knowledge_word_count RENAME TO knowledge_word_frequency",
    TOTALS,
]
SQLITE_BACK = [
    "DROP TABLE knowledge_word_frequency",
    "CREATE VIRTUAL TABLE knowledge_word_frequency USING fts5vocab(knowledge_words, 'col')",
]
POSTGRESQL = ["ALTER TABLE knowledge_word_frequency ALTER COLUMN doc TYPE BIGINT", TOTALS]
POSTGRESQL_BACK = ["DELETE FROM knowledge_word_frequency WHERE term IN ('#rows', '#length')"]


def create(apps, schema_editor):
    """Count what is indexed already."""
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    """Count at search time again."""
    for statement in POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    """After the last of the models."""

    dependencies = [("knowledge", "0008_approved_by_words")]
    operations = [migrations.RunPython(create, drop)]
