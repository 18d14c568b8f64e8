"""Chunks as readers see them: named as the document was in the chunk's own version, with its release."""

from collections.abc import Sequence

from knowledge.models import Chunk
from knowledge.retrieval_types import Passage
from knowledge.scope import LIVE, Scope, release_numbers, versions_of


def as_passages(chunks: Sequence[Chunk], scope: Scope = LIVE) -> list[Passage]:
    """Return chunks (with document and collection loaded) as passages of a scope, in order, unscored."""
    versions = versions_of(chunks)
    places = {chunk.document.collection_id: chunk.document.collection for chunk in chunks}
    releases = release_numbers(places.values(), scope)
    passages = []
    for chunk in chunks:
        document = chunk.document
        named = versions.get((chunk.document_id, chunk.version)) or document
        passages.append(
            Passage(
                chunk_id=chunk.pk,
                chunk_key=chunk.key,
                sha256=chunk.sha256,
                document_id=str(chunk.document_id),
                document_title=named.title or named.name,
                document_name=named.name,
                collection_slug=document.collection.slug,
                release=releases.get(document.collection_id),
                heading=chunk.heading,
                page=chunk.page,
                text=chunk.text,
                score=1.0,
                dense=0.0,
                words=0.0,
                sentences=(),
            )
        )
    return passages
