"""Indexes made anew when the embedder, the tokeniser or the chunker is another one."""

from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from inference import conf
from inference.conf import get_embedder
from jobs import queue as job_queue
from jobs import worker
from jobs.models import Job, JobState
from knowledge import index, ingest, reindexing
from knowledge.chunking import CHUNKER
from knowledge.models import Chunk, Collection, Document, DocumentVersion, Visibility
from knowledge.reconcile import compare
from knowledge.releases import publishing
from knowledge.retrieval import search
from tests.knowledge.tiny_embedder import make_tiny_embedder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
GUEST = AnonymousUser()
TEXT = "# Returns\n\nA kettle goes back within thirty days.\n\n# Delivery\n\nA ferry sails on Tuesdays.\n"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder of its own, made here: small, real, with other dimensions."""
    return make_tiny_embedder(tmp_path_factory.mktemp("embedder"))


@pytest.fixture
def shop() -> Collection:
    collection = Collection.objects.create(slug="shop", name="Shop", visibility=Visibility.EVERYONE)
    add(collection)
    return Collection.objects.get(pk=collection.pk)


def add(collection: Collection, text: str = TEXT) -> Document:
    file = ContentFile(text.encode())
    return ingest.ingest_now(ingest.add_document(collection, "shop.md", file, owner=None, queue=False))


def run_jobs() -> list[JobState]:
    while job := job_queue.claim("background"):
        worker.run(job)
    return [JobState(state) for state in Job.objects.order_by("created_at").values_list("state", flat=True)]


def use(settings: Settings, model: Path | str) -> None:
    settings.EMBEDDING_MODEL = str(model)
    conf.reset()


def test_a_collection_is_stamped_with_what_made_it(shop: Collection) -> None:
    assert shop.embedder == get_embedder().name
    assert shop.tokeniser
    assert index.stamp(shop) == (get_embedder().name, 384)
    assert not reindexing.stale().exists()


def test_another_embedder_takes_over_when_all_its_vectors_are_there(
    shop: Collection, settings: Settings, tiny: Path
) -> None:
    publishing.publish(shop, by=None)
    old = shop.index_name
    use(settings, tiny)

    before = search("When does the ferry sail?", user=GUEST)
    reindexing.sweep()
    states = run_jobs()

    after = search("When does the ferry sail?", user=GUEST)
    shop.refresh_from_db()
    assert states == [JobState.DONE]
    assert not before.is_partial
    assert before.passages[0].dense > 0
    assert not after.is_partial
    assert any("ferry" in passage.text for passage in after.passages)
    assert index.stamp(shop) == (get_embedder().name, 32)
    assert index.list_names() == {shop.index_name}
    assert shop.index_name != old
    assert compare(file_settles_s=0) == []


def test_words_alone_answer_where_the_old_embedder_is_gone(
    shop: Collection, settings: Settings, tiny: Path
) -> None:
    Collection.objects.filter(pk=shop.pk).update(embedder="sentence-transformers:/gone#123")

    result = search("When does the ferry sail?", user=GUEST)
    added = add(shop, "# Lamps\n\nLamps are red.\n")
    reindexing.sweep()
    run_jobs()

    assert result.is_partial
    assert "ferry" in result.passages[0].text
    assert added.status == "ready"
    assert not search("Are lamps red?", user=GUEST).is_partial
    assert compare(file_settles_s=0) == []


def test_a_document_read_while_the_vectors_move_ends_up_in_the_new_store(
    shop: Collection, settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from knowledge import embedding, indexing

    use(settings, tiny)
    really = embedding.write_vectors

    def write_and_let_the_vectors_move(*args: object) -> None:
        really(*args)  # type: ignore[arg-type]
        reindexing.sweep()
        run_jobs()

    monkeypatch.setattr(indexing, "write_vectors", write_and_let_the_vectors_move)
    add(shop, "# Lamps\n\nLamps are red.\n")

    shop.refresh_from_db()
    assert index.list_keys(shop) == set(Chunk.objects.values_list("key", flat=True))
    assert [one.kind for one in compare(file_settles_s=0)] in ([], ["vectors_without_collection"])


def test_an_interrupted_job_goes_on_where_it_was(shop: Collection, settings: Settings, tiny: Path) -> None:
    use(settings, tiny)
    reindexing.sweep()
    building = reindexing._building(shop, get_embedder())
    reindexing._write(building, [Chunk.objects.earliest("pk").pk], with_words=False)

    assert compare(file_settles_s=0) == []
    assert run_jobs() == [JobState.DONE]
    assert compare(file_settles_s=0) == []


def test_vectors_of_another_length_are_made_anew(shop: Collection, settings: Settings) -> None:
    store = index._open(shop.index_name, shop.embedder)
    index.drop_store(shop.index_name)
    keys = list(Chunk.objects.values_list("key", flat=True))
    shorter = index._connect().create_collection(
        store.name, metadata={"embedder": shop.embedder}, embedding_function=None
    )
    shorter.add(ids=keys, embeddings=np.full((len(keys), 3), 0.5, dtype=np.float32))
    index.close()

    reindexing.check_dimensions()
    reindexing.sweep()
    run_jobs()

    shop.refresh_from_db()
    assert index.stamp(shop) == (get_embedder().name, 384)
    assert "ferry" in search("When does the ferry sail?", user=GUEST).passages[0].text


def test_words_of_another_tokeniser_are_made_anew(shop: Collection) -> None:
    from knowledge import lexical

    Collection.objects.filter(pk=shop.pk).update(tokeniser="1")
    lexical.remove_ids(Chunk.objects.values_list("pk", flat=True))

    reindexing.sweep()
    states = run_jobs()

    assert states == [JobState.DONE]
    assert compare(file_settles_s=0) == []
    assert not reindexing.stale().exists()


def test_a_document_cut_by_older_rules_is_read_again_as_a_new_version(shop: Collection) -> None:
    DocumentVersion.objects.update(chunker="0")

    reindexing.sweep()

    document = shop.documents.get()
    assert document.status == "queued"
    ingest.ingest_now(document)
    assert (document.version, document.versions.get().chunker) == (2, CHUNKER)
    assert compare(file_settles_s=0) == []


def test_a_failed_attempt_waits_before_the_next(shop: Collection, settings: Settings, tmp_path: Path) -> None:
    use(settings, tmp_path / "nothing")
    Collection.objects.update(embedder="something else")

    for _ in range(3):
        reindexing.sweep()
        run_jobs()

    assert Job.objects.count() == 1
    assert "ferry" in search("When does the ferry sail?", user=GUEST).passages[0].text
