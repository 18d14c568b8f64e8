"""Mark documents of which some was not read, and count them from the list's index."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from knowledge.extract.errors import loses_text


def mark_those_there(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set the mark from the warnings that are kept."""
    documents = apps.get_model("knowledge", "Document").objects.exclude(warnings=[])
    told = documents.filter(status="ready").values_list("pk", "warnings")
    partial = [pk for pk, warnings in told.iterator() if loses_text(warnings)]
    for start in range(0, len(partial), 500):
        documents.filter(pk__in=partial[start : start + 500]).update(is_partial=True)


class Migration(migrations.Migration):
    """After calibration."""

    dependencies = [("knowledge", "0011_calibration")]
    operations = [
        migrations.RemoveIndex(model_name="document", name="document_list"),
        migrations.AddField("document", "is_partial", models.BooleanField(default=False)),
        migrations.RunPython(mark_those_there, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(
                fields=["collection", "-created_at", "id", "status", "is_disabled", "is_partial"],
                name="document_list",
            ),
        ),
    ]
