"""What there is to summarise: a document's passages, or a collection's documents."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Prefetch, QuerySet

from knowledge.language import detect
from knowledge.models import Chunk, Collection, Document, Summary
from knowledge.scope import DRAFT, Scope, chunks_answering, documents_answering
from knowledge.summaries.notes import Note

MAX_DOCUMENTS: Final = 200  # of a collection: the newest
FIRST_PASSAGES: Final = 3  # of a document that has no summary of its own
LANGUAGE_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Material:
    """Notes in reading order and what they are of.

    of: fingerprint; the same content gives the same. texts: of the chunks that notes name, by id.
    left_out: passages, or documents of a collection, that are not among the notes.
    """

    title: str
    language: str
    of: str
    notes: tuple[Note, ...]
    texts: Mapping[int, str]
    is_collection: bool = False
    version: int | None = None
    left_out: int = 0


def of_document(document: Document, scope: Scope = DRAFT) -> Material:
    """Take a document's passages in reading order. scope: LIVE for what its readers get answers from."""
    chunks = list(_answering(document, scope))
    notes = tuple(Note(chunk.heading, chunk.text, (chunk.pk,), is_passage=True) for chunk in chunks)
    return Material(
        title=str(document),
        language=document.language or _language(chunk.text for chunk in chunks),
        of=_fingerprint(chunks),
        notes=notes,
        texts={chunk.pk: chunk.text for chunk in chunks},
        version=chunks[0].version if chunks else document.version,
    )


def fingerprint(document: Document, scope: Scope = DRAFT) -> str:
    """Tell a document's passages apart from what they were when it was summarised."""
    return _fingerprint(_answering(document, scope).defer("text"))


def of_collection(collection: Collection) -> Material:
    """Take a collection's documents by their summaries, or by their first passages."""
    documents = _documents(collection)
    shown = list(documents[:MAX_DOCUMENTS])
    notes: list[Note] = []
    for document in shown:
        notes += _notes_on(document)
    chunks = Chunk.objects.filter(pk__in={pk for note in notes for pk in note.sources})
    texts = dict(chunks.order_by().values_list("pk", "text"))
    return Material(
        title=collection.name,
        language=_language(note.text for note in notes),
        of=collection_fingerprint(collection),
        notes=tuple(note for note in notes if set(note.sources) <= texts.keys()),
        texts=texts,
        is_collection=True,
        left_out=max(0, documents.count() - len(shown)),
    )


def collection_fingerprint(collection: Collection) -> str:
    """Tell a collection's documents apart from what they were."""
    rows = _documents(collection).values_list("pk", "version", "summary__made_at")
    return _digest(f"{pk.hex}/{version}/{made_at or ''}" for pk, version, made_at in rows)


def _answering(document: Document, scope: Scope) -> QuerySet[Chunk]:
    chunks = chunks_answering([document.collection], scope).filter(document=document)
    return chunks.order_by("version", "ordinal", "edition")


def _documents(collection: Collection) -> QuerySet[Document]:
    documents = documents_answering([collection], DRAFT)
    return (
        documents.order_by("-created_at", "pk")
        .select_related("collection")
        .prefetch_related(Prefetch("summary", Summary.objects.exclude(text="")))
    )


def _notes_on(document: Document) -> list[Note]:
    summary = getattr(document, "summary", None)
    if summary is not None and summary.text and summary.of == fingerprint(document):
        sources = tuple(int(passage["chunk"]) for passage in summary.passages)
        return [Note(str(document), summary.text, sources)]
    first = _answering(document, DRAFT)[:FIRST_PASSAGES]
    return [Note(str(document), chunk.text, (chunk.pk,), is_passage=True) for chunk in first]


def _fingerprint(chunks: Iterable[Chunk]) -> str:
    return _digest(f"{chunk.pk}/{chunk.sha256}" for chunk in chunks)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _language(texts: Iterable[str]) -> str:
    """Tell the language of the first words."""
    sample: list[str] = []
    for text in texts:
        sample.append(text)
        if sum(map(len, sample)) > LANGUAGE_CHARS:
            break
    return detect(" ".join(sample)) or "en"


def texts_of(material: Material, sources: Sequence[int]) -> list[str]:
    """Return what these chunks say, in order."""
    return [material.texts.get(pk, "") for pk in sources]
