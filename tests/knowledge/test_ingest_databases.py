"""Reading and deleting a document on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from knowledge import index, ingest, lexical, reconcile
from knowledge.models import Document, DocumentStatus
from tests.knowledge.factories import make_collection


@pytest.mark.usefixtures("own_stores")
def test_document_is_read_and_deleted_on_each_database(any_database: str, own_stores: Path) -> None:
    collection = make_collection()
    content = ContentFile(b"# Pumps\n\nRinse the filter.")

    document = ingest.ingest_now(
        ingest.add_document(collection, "pumps.md", content, owner=None, queue=False)
    )

    assert document.status == DocumentStatus.READY
    assert index.list_keys(collection) == set(document.chunks.values_list("key", flat=True))
    assert lexical.list_ids(collection.pk) == set(document.chunks.values_list("pk", flat=True))
    assert reconcile.compare(file_settles_s=0) == []

    ingest.read_again(document)
    ingest.delete_document(document)

    assert not Document.objects.exists()
    assert reconcile.compare(file_settles_s=0) == []
