"""Collections, documents and indexed chunks in one line each."""

from django.core.files.base import ContentFile

from inference.conf import get_embedder
from knowledge import index, lexical
from knowledge.chunking import chunk, chunk_key, content_sha256, indexed_text
from knowledge.extract.types import ExtractedSection, ExtractedText
from knowledge.models import Chunk, Collection, Document, DocumentStatus, Visibility


def make_collection(slug: str = "handbook", visibility: Visibility = Visibility.EVERYONE) -> Collection:
    """Create a collection."""
    return Collection.objects.create(slug=slug, name=slug.title(), visibility=visibility)


def make_document(collection: Collection, *texts: str, title: str = "", embedded: bool = False) -> Document:
    """Create a ready document; each text is a section. embedded: also write its vectors."""
    document = Document.objects.create(
        collection=collection,
        name=f"{title or 'document'}.md",
        title=title,
        file=ContentFile("\n\n".join(texts).encode(), name="document.md"),
        sha256="0" * 64,
        status=DocumentStatus.READY,
        version=1,
    )
    extracted = ExtractedText(title, tuple(ExtractedSection(text) for text in texts), None, "markdown")
    chunks = Chunk.objects.bulk_create(
        Chunk(
            key=chunk_key(document.pk, 1, draft.ordinal),
            document=document,
            version=1,
            ordinal=draft.ordinal,
            text=draft.text,
            heading=draft.heading,
            start=draft.start,
            sha256=content_sha256(title, draft.heading, draft.text),
        )
        for draft in chunk(extracted)
    )
    lexical.add(chunks)
    if embedded:
        vectors = get_embedder().embed_documents(
            [indexed_text(title, row.heading, row.text) for row in chunks]
        )
        index.upsert(collection, [row.key for row in chunks], vectors)
    return document
