"""Mend what `reconcile.compare` found: rebuild from the database and the files, remove what nobody owns."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from knowledge import index, ingest, lexical
from knowledge.embedding import VECTORS_A_BATCH, embed, embedder_of
from knowledge.models import Chunk, Collection, Document
from knowledge.reconcile import Difference, Kind
from knowledge.removal import BATCH, delete_document, in_batches, remove_leftovers
from knowledge.scope import titles_of


def mend(difference: Difference) -> bool:
    """Mend one difference; False where nothing can be done from here (a file that is gone).

    Raises: IndexUnavailable, EmbeddingFailed.
    """
    work = _MENDERS.get(difference.kind)
    if work is None:
        return False
    work(difference)
    return True


def _document(difference: Difference) -> Document | None:
    return Document.objects.select_related("collection").filter(pk=UUID(difference.subject)).first()


def _collection(difference: Difference) -> Collection:
    return Collection.objects.get(slug=difference.subject)


def _fail(difference: Difference) -> None:
    if document := _document(difference):
        ingest.fail_stuck(document)


def _finish_delete(difference: Difference) -> None:
    if document := _document(difference):
        delete_document(document)


def _read_again(difference: Difference) -> None:
    if document := _document(difference):
        ingest.read_again(document)


def _remove_leftovers(difference: Difference) -> None:
    if document := _document(difference):
        remove_leftovers(document)


def _add_vectors(difference: Difference) -> None:
    collection = _collection(difference)
    embedder = embedder_of(collection)
    if embedder is None:  # the vectors are about to be made anew, all of them
        return
    for part in in_batches(difference.ids, VECTORS_A_BATCH):
        chunks = list(Chunk.objects.filter(pk__in=part).select_related("document"))
        titles = titles_of(chunks)
        for title in set(titles.values()):
            same = [chunk for chunk in chunks if titles[chunk.pk] == title]
            index.upsert(collection, [chunk.key for chunk in same], embed(embedder, title, same))


def _add_words(difference: Difference) -> None:
    for part in in_batches(difference.ids, BATCH):
        with transaction.atomic():
            chunks = list(Chunk.objects.filter(pk__in=part).select_related("document"))
            lexical.add(chunks, titles_of(chunks))


def _remove_vectors(difference: Difference) -> None:
    index.delete(_collection(difference), difference.keys)


def _remove_words(difference: Difference) -> None:
    lexical.remove_ids(difference.ids)


def _drop_store(difference: Difference) -> None:
    index.drop_store(difference.subject)


def _remove_file(difference: Difference) -> None:
    (Path(settings.MEDIA_ROOT) / difference.subject).unlink(missing_ok=True)


_MENDERS: dict[Kind, Callable[[Difference], None]] = {
    Kind.STUCK: _fail,
    Kind.UNDELETED: _finish_delete,
    Kind.CHUNKS_MISSING: _read_again,
    Kind.LEFTOVERS: _remove_leftovers,
    Kind.VECTORS_MISSING: _add_vectors,
    Kind.WORDS_MISSING: _add_words,
    Kind.VECTORS_EXTRA: _remove_vectors,
    Kind.WORDS_EXTRA: _remove_words,
    Kind.STORE_EXTRA: _drop_store,
    Kind.FILE_EXTRA: _remove_file,
}
