"""Comparing the stores, mending them, and the two commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from pytest_django.fixtures import Settings

from inference.conf import get_embedder
from jobs.command import UsageError
from jobs.models import Job
from knowledge import index, ingest, lexical, reconcile
from knowledge.management.commands.ingest import Command
from knowledge.mending import mend
from knowledge.models import Chunk, Collection, Document, DocumentStatus
from knowledge.reconcile import Kind
from tests.environment import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def ready(
    collection: Collection, text: str = "# Pumps\n\nRinse the filter.\n\n# Valves\n\nOpen F1."
) -> Document:
    document = ingest.add_document(
        collection, "pumps.md", ContentFile(text.encode()), owner=None, queue=False
    )
    return ingest.ingest_now(document)


def kinds() -> list[Kind]:
    return [one.kind for one in reconcile.compare(file_settles_s=0)]


def mend_all() -> None:
    for difference in reconcile.compare(file_settles_s=0):
        mend(difference)


def test_untouched_stores_agree(collection: Collection) -> None:
    ready(collection)

    assert kinds() == []


def test_lost_vectors_are_embedded_again(collection: Collection) -> None:
    ready(collection)
    before = index.get_vectors(collection, sorted(index.list_keys(collection)))
    index.drop(collection)

    assert kinds() == [Kind.VECTORS_MISSING]
    mend_all()

    after = index.get_vectors(collection, sorted(before))
    assert kinds() == []
    assert all((before[key] == after[key]).all() for key in before)


def test_vectors_nobody_owns_are_deleted(collection: Collection) -> None:
    document = ready(collection)
    index.upsert(collection, ["f" * 64], get_embedder().embed_documents(["stray"]))

    assert kinds() == [Kind.VECTORS_EXTRA]
    mend_all()

    assert kinds() == []
    assert index.list_keys(collection) == set(document.chunks.values_list("key", flat=True))


def test_words_are_added_and_removed_as_the_rows_say(collection: Collection) -> None:
    document = ready(collection)
    chunk = document.chunks.get(ordinal=0)
    lexical.remove([chunk])

    assert kinds() == [Kind.WORDS_MISSING]
    mend_all()

    assert lexical.list_ids(collection.pk) == set(document.chunks.values_list("pk", flat=True))
    assert kinds() == []


def test_words_without_rows_are_removed(collection: Collection) -> None:
    document = ready(collection)
    chunk = document.chunks.get(ordinal=1)
    index.delete(collection, [chunk.key])
    Chunk.objects.filter(pk=chunk.pk).delete()
    Document.objects.filter(pk=document.pk).update(chunk_count=1)

    assert kinds() == [Kind.WORDS_EXTRA]
    mend_all()

    assert kinds() == []


def test_lost_rows_are_read_from_the_file_again(collection: Collection) -> None:
    document = ready(collection)
    document.chunks.all().delete()

    assert Kind.CHUNKS_MISSING in kinds()
    mend_all()
    mend_all()

    document.refresh_from_db()
    assert (document.status, document.version, document.chunks.count()) == ("ready", 2, 2)
    assert kinds() == []


def test_vectors_of_a_collection_that_is_gone_are_dropped(collection: Collection) -> None:
    gone = ingest.create_collection("Gone")
    ready(gone)
    name = gone.index_name
    ingest.delete_collection(gone)
    index.upsert(Collection(pk=int(name.rpartition("-")[2])), ["a"], get_embedder().embed_documents(["a"]))

    assert kinds() == [Kind.STORE_EXTRA]
    mend_all()

    assert name not in index.list_names()


def test_document_nobody_reads_is_failed(collection: Collection) -> None:
    document = ingest.add_document(collection, "a.txt", ContentFile(b"A."), owner=None)
    Job.objects.all().delete()

    assert kinds() == [Kind.STUCK]
    mend_all()

    document.refresh_from_db()
    assert (document.status, document.error_code) == ("failed", "worker_lost")


def test_document_that_waits_for_its_worker_is_no_difference(collection: Collection) -> None:
    ingest.add_document(collection, "a.txt", ContentFile(b"A."), owner=None)

    assert kinds() == []


def test_files_without_documents_and_documents_without_files_are_found(
    collection: Collection, own_stores: Path
) -> None:
    document = ready(collection)
    stray = own_stores / "files" / "aa" / "stray.md"
    stray.parent.mkdir(parents=True)
    stray.write_text("x")
    Path(document.file.path).unlink()

    assert kinds() == [Kind.FILE_MISSING, Kind.FILE_EXTRA]
    mend_all()

    assert not stray.exists()
    assert kinds() == [Kind.FILE_MISSING]


def test_unfinished_delete_is_finished(collection: Collection) -> None:
    document = ready(collection)
    Document.objects.filter(pk=document.pk).update(status=DocumentStatus.DELETING)

    assert kinds() == [Kind.UNDELETED]
    mend_all()

    assert not Document.objects.exists()
    assert kinds() == []


# --- the commands -------------------------------------------------------------------------


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_reconcile_prints_what_differs_and_ends_with_1(
    collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(collection)
    index.drop(collection)

    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", json=True)

    assert ended.value.code == 1
    assert lines(capsys) == [
        {"kind": "vectors_missing", "subject": "handbook", "count": 2, "repaired": False},
        {"differences": 1, "left": 1},
    ]


def test_reconcile_repairs_and_then_ends_with_0(
    collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(collection)
    index.drop(collection)

    call_command("reconcile", json=True, repair=True)
    call_command("reconcile", json=True)

    assert lines(capsys)[-1] == {"differences": 0, "left": 0}


SITE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from accounts.models import User
from knowledge import ingest
ingest.create_collection("Handbook")
User.objects.create_user("alice")
"""


def manage(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATA_DIR": str(data_dir)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90)


def test_ingest_waits_for_each_file_and_lists_what_failed(tmp_path: Path) -> None:
    folder, data_dir = tmp_path / "in", tmp_path / "data"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.md").write_text("# Pumps\n\nRinse the filter.")
    (folder / "deeper" / "b.txt").write_text("Open valve F1.")
    (folder / "c.exe").write_bytes(b"MZ")
    (folder / ".hidden.txt").write_text("not this one")
    prepared = manage(data_dir, "-c", SITE)

    ingested = manage(
        data_dir, "manage.py", "ingest", str(folder), "--collection", "handbook", "--user", "alice", "--json"
    )
    compared = manage(data_dir, "manage.py", "reconcile", "--json")

    assert prepared.returncode == 0, prepared.stderr
    assert ingested.returncode == 1, ingested.stderr
    first, refused, deeper = [json.loads(line) for line in ingested.stdout.splitlines()]
    assert (first["status"], first["chunks"], first["error"]) == ("ready", 1, None)
    assert refused["error"]["code"] == "unsupported_type"
    assert deeper["file"].endswith("deeper/b.txt")
    assert set(deeper) == {"file", "document", "status", "chunks", "pages", "seconds", "error"}
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout) == {"differences": 0, "left": 0}


def run_ingest(*paths: str, collection: str = "handbook", user: str = "") -> str:
    """Run the command's own part, without a worker."""
    output = StringIO()
    with suppress(SystemExit):
        Command(stdout=output).handle(paths=list(paths), collection=collection, user=user, json=True)
    return output.getvalue()


@pytest.mark.parametrize(
    "called",
    [
        lambda: run_ingest(".", collection="nothing"),
        lambda: run_ingest("/no/such/file"),
        lambda: run_ingest(".", user="nobody"),
    ],
)
def test_ingest_called_wrongly_ends_with_2(collection: Collection, called: Callable[[], str]) -> None:
    with pytest.raises(UsageError) as caught:
        called()

    assert caught.value.returncode == 2
    assert not Document.objects.exists()


def test_too_large_file_is_listed(collection: Collection, tmp_path: Path, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 1
    (tmp_path / "big.txt").write_bytes(b"x" * (2**20 + 1))

    (line,) = run_ingest(str(tmp_path / "big.txt")).splitlines()

    assert json.loads(line)["error"]["code"] == "too_large"
    assert not Document.objects.exists()
