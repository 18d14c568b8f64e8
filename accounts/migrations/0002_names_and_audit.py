"""Names get a folded key that is unique; the audit log begins."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.names import name_key


def fill_keys(apps, schema_editor):
    """Give everybody a key; of two names that look alike the newer one gets its number behind it."""
    user_model = apps.get_model("accounts", "User")
    seen = set()
    for user in user_model.objects.order_by("pk"):
        key = name_key(user.username)
        user.name_key = f"{key}#{user.pk}" if key in seen else key
        seen.add(key)
        user.save(update_fields=["name_key"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="name_key",
            field=models.CharField(default="", editable=False, max_length=450),
            preserve_default=False,
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="name_key",
            field=models.CharField(editable=False, max_length=450, unique=True),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verb", models.CharField(max_length=60, verbose_name="what")),
                ("subject", models.CharField(max_length=200, verbose_name="of what")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "ordering": ["-at", "-pk"],
                "indexes": [
                    models.Index(fields=["subject", "-at"], name="audit_subject"),
                    models.Index(fields=["-at"], name="audit_recent"),
                ],
            },
        ),
    ]
