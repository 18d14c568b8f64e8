"""Have the list's order, filters and counts come from an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """After the word frequencies."""

    dependencies = [("knowledge", "0009_word_frequencies")]
    operations = [
        migrations.RemoveIndex(model_name="document", name="document_list"),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["collection", "-created_at", "id", "status"], name="document_list"),
        ),
    ]
