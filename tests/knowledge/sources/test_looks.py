"""Looks at sources as jobs: on time, one at a time, stopped and lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs import queue, worker
from jobs.models import Job, JobState
from knowledge.models import Collection, Document, Source, SourceKind
from knowledge.sources import looks
from knowledge.sources.reasons import sentence
from tests.knowledge.sources.conftest import addresses, follow
from tests.knowledge.sources.web import WebSite

pytestmark = pytest.mark.django_db


def run_next() -> Job:
    """Have a worker take the next job of the background queue, and return it as it ended."""
    job = queue.claim("background")
    assert job is not None
    worker.run(job)
    job.refresh_from_db()
    return job


@pytest.fixture
def source(shelf: Path, collection: Collection) -> Source:
    """A folder with one file, followed and not looked at yet."""
    (shelf / "lamps.txt").write_text("Lamps need a G9 bulb.")
    return follow(collection, str(shelf), SourceKind.FOLDER, refresh_hours=6)


def test_look_runs_as_a_job_and_says_how_it_ended(source: Source, collection: Collection) -> None:
    assert looks.look_now(source)

    job = run_next()
    source.refresh_from_db()

    assert job.state == JobState.DONE
    assert addresses(collection) == ["lamps.txt"]
    assert source.outcome == {"new": 1, "is_complete": True}
    assert source.error_code == ""
    assert source.last_run_at is not None
    assert source.next_run_at is not None
    assert timedelta(hours=5) < source.next_run_at - timezone.now() <= timedelta(hours=6)
    assert Job.objects.filter(kind="document").count() == 1


def test_source_is_never_looked_at_twice_at_once(source: Source) -> None:
    assert looks.look_now(source)
    assert not looks.look_now(source)

    running = queue.claim("background")
    assert running is not None
    assert not looks.look_now(source)
    assert Job.objects.filter(kind="source").count() == 1


def test_failed_look_says_why_and_comes_again(source: Source, shelf: Path) -> None:
    (shelf / "lamps.txt").unlink()
    shelf.rmdir()
    looks.look_now(source)

    job = run_next()
    source.refresh_from_db()

    assert job.state == JobState.FAILED
    assert source.error_code == "folder_missing"
    assert source.error_message == sentence("folder_missing")
    assert source.next_run_at is not None


def test_due_source_is_looked_at_once_by_however_many_sweeps(source: Source) -> None:
    Source.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))

    looks.enqueue_due()
    looks.enqueue_due()

    assert Job.objects.filter(kind="source", subject=str(source.pk)).count() == 1
    source.refresh_from_db()
    assert source.next_run_at is not None
    assert source.next_run_at > timezone.now()


@pytest.mark.parametrize(
    "different", [{"is_active": False}, {"refresh_hours": 0}, {"next_run_at": None}], ids=str
)
def test_source_that_is_paused_or_by_hand_is_left_alone(source: Source, different: dict[str, object]) -> None:
    Source.objects.update(**{"next_run_at": timezone.now() - timedelta(minutes=1), **different})

    looks.enqueue_due()

    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sweep_of_the_site_looks_for_due_sources(source: Source) -> None:
    Source.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))

    worker.sweep()

    assert Job.objects.filter(kind="source").count() == 1


def test_waiting_look_is_stopped_at_once(source: Source) -> None:
    looks.look_now(source)

    looks.stop(source)

    source.refresh_from_db()
    assert source.error_code == "cancelled"
    assert Job.objects.get().state == JobState.CANCELLED
    assert looks.look_now(source)


def test_running_look_is_stopped_between_two_pages(web: WebSite, collection: Collection) -> None:
    web.write("/", "Welcome.", "/a", "/b", "/c")
    web.write("/a", "Page a.")
    source = follow(collection, web.url)
    looks.look_now(source)
    job = queue.claim("background")
    assert job is not None
    queue.cancel(job.pk)  # as another machine would ask for it: before the first page here

    lease = worker.Lease(job)
    lease.request_stop()
    assert looks.run_look(lease) == JobState.CANCELLED
    source.refresh_from_db()
    assert source.error_code == "cancelled"
    assert web.asked == []


def test_look_whose_worker_died_is_done_by_another_without_doubling(
    web: WebSite, collection: Collection
) -> None:
    web.write("/", "Welcome.", "/a")
    web.write("/a", "Page a.")
    source = follow(collection, web.url)
    looks.look_now(source)
    lost = queue.claim("background")
    assert lost is not None
    looks.run_look(worker.Lease(lost))  # it did all its work, and died before it could say so
    queue.release_all_leases()
    queue.sweep()

    job = run_next()

    assert job.attempt == 2
    assert job.state == JobState.DONE
    assert addresses(collection) == ["/", "/a"]


@pytest.mark.django_db(transaction=True)
def test_look_that_lost_its_workers_for_good_says_so(source: Source) -> None:
    looks.look_now(source)
    for _attempt in range(2):
        assert queue.claim("background") is not None
        queue.release_all_leases()
        worker.sweep()

    source.refresh_from_db()
    assert source.error_code == "worker_lost"


def test_source_deleted_with_its_documents_leaves_nothing(source: Source) -> None:
    looks.look_now(source)
    run_next()

    looks.delete_source(source, with_documents=True)

    assert not Source.objects.exists()
    assert not Document.objects.exists()


def test_source_deleted_alone_leaves_its_documents(source: Source) -> None:
    looks.look_now(source)
    run_next()

    looks.delete_source(source, with_documents=False)

    assert not Source.objects.exists()
    assert Document.objects.get().address == "lamps.txt"


def test_look_at_a_source_deleted_meanwhile_adds_nothing(source: Source) -> None:
    looks.look_now(source)
    job = queue.claim("background")
    assert job is not None
    source.delete()

    assert looks.run_look(worker.Lease(job)) == JobState.CANCELLED
    assert not Document.objects.exists()
