import uuid

import django.db.models.deletion
from django.db import migrations, models


def fill(apps, schema_editor):
    """Index the replies that are there already."""
    message = apps.get_model("chat", "Message")
    cited_source = apps.get_model("chat", "CitedSource")
    replies = message.objects.filter(role="assistant").exclude(citations=[]).order_by()
    rows = []
    for reply in replies.only("sources", "citations", "created_at").iterator(chunk_size=500):
        numbers = {citation.get("n") for citation in reply.citations or []}
        rows += [
            cited_source(
                message=reply,
                n=source["n"],
                document=uuid.UUID(source["document"]),
                chunk_sha256=source.get("chunk_sha256", ""),
                created_at=reply.created_at,
            )
            for source in reply.sources or []
            if source.get("n") in numbers
        ]
        if len(rows) >= 1000:
            cited_source.objects.bulk_create(rows, ignore_conflicts=True)
            rows = []
    cited_source.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0003_approved_replies'),
    ]

    operations = [
        migrations.CreateModel(
            name='CitedSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveSmallIntegerField()),
                ('document', models.UUIDField()),
                ('chunk_sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cited_sources', to='chat.message')),
            ],
            options={
                'indexes': [models.Index(fields=['document', '-created_at', 'message'], name='cited_document'), models.Index(fields=['document', 'chunk_sha256', 'message'], name='cited_chunk')],
                'constraints': [models.UniqueConstraint(fields=('message', 'n'), name='cited_once')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
