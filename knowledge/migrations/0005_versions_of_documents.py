"""Give the documents that were read before there were versions their version row."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_versions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Describe each document's current version; one that was never read has none."""
    documents = apps.get_model("knowledge", "Document").objects.filter(version__gt=0)
    versions = apps.get_model("knowledge", "DocumentVersion").objects
    for document in documents.iterator():
        versions.create(
            document=document,
            number=document.version,
            name=document.name,
            title=document.title or document.name,
            file=document.file.name,
            format=document.format,
            size_bytes=document.size_bytes,
            sha256=document.sha256,
            pages=document.pages,
            warnings=document.warnings,
            chunk_count=document.chunk_count,
        )


class Migration(migrations.Migration):
    """After the tables of versions and releases."""

    dependencies = [("knowledge", "0004_releases")]
    operations = [migrations.RunPython(add_versions, migrations.RunPython.noop, elidable=True)]
