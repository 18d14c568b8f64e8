"""What keeps the site fast: work that is done once, and questions to the database that do not multiply."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.corpus import Corpus
from inference.conf import get_embedder
from inference.embedders.base import Vectors
from knowledge import ingest, lexical, lexical_row
from knowledge.models import Chunk, Collection, Document, DocumentStatus
from knowledge.tokens import query_tokens
from tests.knowledge.factories import make_document
from tests.knowledge.people import LIST


@pytest.mark.usefixtures("own_stores")
@pytest.mark.django_db
def test_each_chunk_is_embedded_exactly_once(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder, seen = get_embedder(), Counter[str]()
    really = embedder.embed_documents

    def embed(texts: Sequence[str]) -> Vectors:
        seen.update(texts)
        return really(texts)

    monkeypatch.setattr(embedder, "embed_documents", embed)
    file = ContentFile(Corpus().document("en", 10_000).encode(), name="document.md")

    document = ingest.ingest_now(
        ingest.add_document(collection, "document.md", file, owner=None, queue=False)
    )

    assert document.status == DocumentStatus.READY
    assert sum(seen.values()) == document.chunk_count > 5
    assert set(seen.values()) == {1}


@pytest.mark.usefixtures("own_stores")
@pytest.mark.django_db
def test_list_asks_the_database_as_often_for_2000_documents_as_for_30(
    alice: Client, collection: Collection
) -> None:
    add_rows(collection, 30)
    few = count_queries(alice)

    add_rows(collection, 2_000)

    assert count_queries(alice) == few


@pytest.mark.usefixtures("any_database")
def test_common_words_still_rank_what_rarer_ones_found(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"The {'parcel' if n < 7 else 'letter'} number {n} is in the van." for n in range(20)]
    make_document(
        collection, *texts, "The voucher is in a drawer.", "The voucher is in the parcel in the van."
    )
    question = query_tokens("Is the voucher in the parcel?")
    whole = [hit.chunk_id for hit in lexical.search(question, [collection.pk], 2)]

    monkeypatch.setattr(lexical_row, "MAX_POSTINGS", 8)
    found = lexical.search(question, [collection.pk], 2)

    assert [hit.chunk_id for hit in found] == whole
    assert Chunk.objects.get(pk=found[0].chunk_id).text == "The voucher is in the parcel in the van."


def add_rows(collection: Collection, count: int) -> None:
    """Add ready documents without files."""
    rows = (
        Document(
            collection=collection,
            name=f"document-{number}.md",
            sha256=f"{number:064x}",
            status=DocumentStatus.READY,
        )
        for number in range(count)
    )
    while batch := list(islice(rows, 500)):
        Document.objects.bulk_create(batch)


def count_queries(client: Client) -> int:
    """Count what one page of the list asks."""
    client.get(LIST)  # sessions and sites are remembered now
    with CaptureQueriesContext(connection) as asked:
        assert client.get(LIST).status_code == 200
    return len(asked)
