"""Ingestion that dies, loses its lease or its document at any point leaves nothing wrong behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.db.backends.utils import CursorWrapper

from jobs import queue, worker
from jobs.errors import LeaseLost
from jobs.models import Job, JobState
from knowledge import index, ingest, reconcile
from knowledge.mending import mend
from knowledge.models import Chunk, Collection, Document, DocumentStatus
from tests.environment import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STATEMENTS = 200


class Killed(BaseException):
    """What SIGKILL is to a process: nothing catches it and nothing more is executed."""


class DieAt:
    """Ends the world before the n-th database statement."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(
        self,
        execute: Callable[..., object],
        sql: str,
        params: object,
        many: bool,
        context: dict[str, CursorWrapper],
    ) -> object:
        self.left -= 1
        if self.left < 0 and not sql.startswith(("ROLLBACK", "RELEASE", "SAVEPOINT")):
            raise Killed(sql)
        return execute(sql, params, many, context)


def dies(act: Callable[[], object], n: int) -> bool:
    """Run something that dies before its n-th statement; False when it ended before."""
    try:
        with connection.execute_wrapper(DieAt(n)):
            act()
    except Killed:
        return True
    return False


def upload(collection: Collection, text: str) -> Document:
    content = ContentFile(f"# Pumps\n\n{text}\n\n# Filters\n\nRinse them.".encode())
    return ingest.add_document(collection, "pumps.md", content, owner=None)


def restart() -> None:
    """Do what a new process does: take over what the dead one held, and work."""
    queue.release_all_leases()
    worker.sweep()
    worker.work("ingestion")


def differences() -> list[reconcile.Difference]:
    return reconcile.compare(file_settles_s=0)


def test_reading_killed_between_statements_is_finished_by_the_next_attempt(collection: Collection) -> None:
    for n in count(0, 2):
        document = upload(collection, f"Text {n}.")
        killed = dies(lambda: worker.work("ingestion"), n)
        document.refresh_from_db()
        was_ready = document.status == DocumentStatus.READY
        if killed and not was_ready:
            assert document.version == 0, f"statement {n}"

        restart()

        document.refresh_from_db()
        assert (document.status, document.version) == (DocumentStatus.READY, 1), f"statement {n}"
        assert differences() == [], f"statement {n}"
        if not killed:
            assert n > 20
            return
        ingest.delete_document(document)
        assert n < MOST_STATEMENTS


def test_second_reading_killed_between_statements_is_mended(collection: Collection) -> None:
    document = ingest.ingest_now(upload(collection, "Text."))
    Job.objects.all().delete()
    for n in count(1, 2):
        killed = dies(lambda: ingest.read_again(document), n)

        for difference in differences():
            assert mend(difference)

        document.refresh_from_db()
        assert differences() == [], f"statement {n}"
        if document.status == DocumentStatus.FAILED:
            ingest.read_again(document)
            document.refresh_from_db()
        assert document.status == DocumentStatus.READY
        assert set(document.chunks.values_list("version", flat=True)) == {document.version}
        if not killed:
            assert n > 20
            return
        assert n < MOST_STATEMENTS


def test_delete_killed_before_any_statement_is_finished_by_reconcile(collection: Collection) -> None:
    for n in count():
        document = ingest.ingest_now(upload(collection, f"Text {n}."))
        Job.objects.all().delete()
        killed = dies(lambda d=document: ingest.delete_document(d), n)  # type: ignore[misc]

        for difference in differences():
            assert mend(difference), difference

        assert differences() == [], f"statement {n}"
        if not killed:
            assert not Document.objects.exists()
            assert n > 5
            return
        if Document.objects.filter(pk=document.pk).exists():
            ingest.delete_document(document)
        assert n < MOST_STATEMENTS


class Watched(worker.Lease):
    """A lease that lets something happen at the n-th look."""

    def __init__(self, job: Job, n: int, happen: Callable[[], object] = lambda: None) -> None:
        super().__init__(job)
        self.left = n
        self.happen = happen

    def should_stop(self) -> bool:
        self.left -= 1
        if self.left == -1:
            self.happen()
        return super().should_stop()


def test_document_deleted_while_it_is_read_leaves_nothing(collection: Collection) -> None:
    for n in count():
        document = upload(collection, f"Text {n}.")
        job = queue.claim("ingestion")
        assert job
        lease = Watched(job, n, lambda d=document: ingest.delete_document(d))  # type: ignore[misc]

        state = ingest.ingest_document(lease)
        queue.finish(job, state)

        assert differences() == [], f"look {n}"
        if lease.left >= 0:
            assert state == JobState.DONE
            assert n > 3
            return
        assert state == JobState.CANCELLED
        assert not Document.objects.filter(pk=document.pk).exists()
        assert not Chunk.objects.exists()
        assert index.list_keys(collection) == set()


def test_document_stopped_while_it_is_read_leaves_only_its_reason(collection: Collection) -> None:
    for n in count():
        document = upload(collection, f"Text {n}.")
        job = queue.claim("ingestion")
        assert job
        lease = Watched(job, n)
        lease.happen = lease.request_stop

        state = ingest.ingest_document(lease)
        queue.finish(job, state)

        document.refresh_from_db()
        assert differences() == [], f"look {n}"
        if lease.left >= 0:
            assert state == JobState.DONE
            return
        assert state == JobState.CANCELLED
        assert (document.status, document.error_code) == (DocumentStatus.FAILED, "cancelled")
        assert not document.chunks.exists()


def test_document_stopped_after_its_worker_died_is_stopped_by_the_sweep(collection: Collection) -> None:
    document = upload(collection, "Text.")
    assert dies(lambda: worker.work("ingestion"), 16)
    ingest.cancel_document(document)

    restart()

    document.refresh_from_db()
    assert (document.status, document.error_code) == (DocumentStatus.FAILED, "cancelled")
    assert Job.objects.get().state == JobState.CANCELLED
    assert differences() == []


def test_worker_that_lost_its_lease_writes_nothing_more(collection: Collection) -> None:
    document = upload(collection, "Text.")
    job = queue.claim("ingestion")
    assert job

    def be_taken_over() -> None:
        Job.objects.filter(pk=job.pk).update(attempt=2)

    with pytest.raises(LeaseLost):
        ingest.ingest_document(Watched(job, 2, be_taken_over))

    document.refresh_from_db()
    assert document.status == DocumentStatus.PARSING
    assert not Chunk.objects.exists()
    assert index.list_keys(collection) == set()


CHILD = """
import os, signal, sys
import django
django.setup()
from knowledge import embedding, indexing
place = sys.argv[1]
module, name = {"upsert": (embedding.index, "upsert"), "publish": (indexing, "_publish")}[place]
real = getattr(module, name)
def die(*args, **kwargs):
    real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, die)
from jobs import worker
worker.work("ingestion")
"""
PREPARE = """
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.management import call_command
call_command("migrate", verbosity=0)
from knowledge import ingest
collection = ingest.create_collection("Pumps")
ingest.add_document(collection, "a.md", ContentFile(b"# Pumps\\n\\nRinse the filter."), owner=None)
"""
RESTART = """
import json
import django
django.setup()
from jobs import queue, worker
from knowledge import reconcile
from knowledge.models import Chunk, Document
document = Document.objects.get()
before = document.status
queue.release_all_leases()
worker.sweep()
worker.work("ingestion")
document.refresh_from_db()
found = [str(one) for one in reconcile.compare(file_settles_s=0)]
print(json.dumps([before, document.status, document.version, Chunk.objects.count(), found]))
"""


def python(script: str, data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATA_DIR": str(data_dir)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("place", "before"), [("upsert", "embedding"), ("publish", "ready")])
def test_killed_process_leaves_what_the_next_one_finishes(tmp_path: Path, place: str, before: str) -> None:
    prepared = python(PREPARE, tmp_path)
    killed = python(CHILD, tmp_path, place)
    restarted = python(RESTART, tmp_path)

    assert prepared.returncode == 0, prepared.stderr
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert json.loads(restarted.stdout) == [before, "ready", 1, 1, []], restarted.stderr
