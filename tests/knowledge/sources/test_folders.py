"""Folders on the server, kept in step."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from knowledge import ingest
from knowledge.models import Collection, Document, Source, SourceKind
from knowledge.sources.findings import Finding, Tally
from knowledge.sources.folder import folder_of
from knowledge.sources.folder import look as folder_look
from knowledge.sources.folder_errors import FolderEmpty, FolderMissing, FolderNotAllowed, FoldersOff
from knowledge.sources.ledger import Ledger
from tests.knowledge.sources.conftest import addresses, follow, look, reasons

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(shelf: Path, collection: Collection) -> Source:
    """The folder with three files, followed."""
    (shelf / "pumps").mkdir()
    (shelf / "pumps" / "cleaning.md").write_text("# Cleaning\n\nOnce a year.")
    (shelf / "pumps" / "filters.txt").write_text("Change filters monthly.")
    (shelf / "lamps.txt").write_text("Lamps need a G9 bulb.")
    return follow(collection, str(shelf), SourceKind.FOLDER)


def test_folder_is_read_with_all_below_it(source: Source, collection: Collection) -> None:
    tally = look(source)

    assert tally.counts == {"new": 3}
    assert addresses(collection) == ["lamps.txt", "pumps/cleaning.md", "pumps/filters.txt"]
    assert Document.objects.get(address="pumps/cleaning.md").name == "cleaning.md"


def test_unchanged_folder_changes_nothing_even_when_files_are_touched(source: Source, shelf: Path) -> None:
    look(source)
    os.utime(shelf / "lamps.txt", ns=(1, 1))
    before = set(Document.objects.values_list("pk", "sha256", "updated_at"))

    assert look(source).counts == {"same": 3}
    assert set(Document.objects.values_list("pk", "sha256", "updated_at")) == before


def test_changed_file_becomes_a_newer_version_and_a_missing_one_is_deleted(
    source: Source, shelf: Path, collection: Collection
) -> None:
    look(source)
    for document in Document.objects.all():
        ingest.ingest_now(document)
    lamps = Document.objects.get(address="lamps.txt").pk
    (shelf / "lamps.txt").write_text("Lamps need an E14 bulb.")
    (shelf / "pumps" / "filters.txt").unlink()

    assert look(source).counts == {"changed": 1, "same": 1, "gone": 1}
    assert addresses(collection) == ["lamps.txt", "pumps/cleaning.md"]
    assert Document.objects.get(address="lamps.txt").pk == lamps


def test_file_that_moved_takes_its_document_along(
    source: Source, shelf: Path, collection: Collection
) -> None:
    look(source)
    before = set(Document.objects.values_list("pk", flat=True))
    (shelf / "lamps.txt").rename(shelf / "pumps" / "lights.txt")

    assert look(source).counts == {"same": 2, "left_out": 0, "moved": 1}
    assert addresses(collection) == ["pumps/cleaning.md", "pumps/filters.txt", "pumps/lights.txt"]
    assert set(Document.objects.values_list("pk", flat=True)) == before


def test_links_lead_nowhere(source: Source, shelf: Path, tmp_path: Path, collection: Collection) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "password.txt").write_text("hunter2")
    (shelf / "file-link.txt").symlink_to(secret / "password.txt")
    (shelf / "folder-link").symlink_to(secret)
    (shelf / "loop").symlink_to(shelf)
    os.mkfifo(shelf / "pipe.txt")

    look(source)

    assert addresses(collection) == ["lamps.txt", "pumps/cleaning.md", "pumps/filters.txt"]
    assert reasons(source) == {
        "file-link.txt": "linked_file",
        "folder-link": "linked_file",
        "loop": "linked_file",
        "pipe.txt": "type_not_read",
    }


def test_directory_exchanged_for_a_link_after_it_was_listed_is_not_followed(
    source: Source, shelf: Path, tmp_path: Path
) -> None:
    from knowledge.sources.folder import _open

    opened = os.open(shelf, os.O_RDONLY)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "cleaning.md").write_text("hunter2")
    shutil.rmtree(shelf / "pumps")
    (shelf / "pumps").symlink_to(secret)

    with pytest.raises(OSError):
        _open(opened, "pumps/cleaning.md")
    os.close(opened)


def test_folder_exchanged_for_a_link_while_it_is_read_is_read_as_it_was(
    shelf: Path, tmp_path: Path, collection: Collection
) -> None:
    secret = tmp_path / "secret"
    for folder in (shelf / "team" / "notes", secret / "notes"):
        folder.mkdir(parents=True)
    (secret / "notes" / "b.txt").write_text("hunter2 is the password")
    (shelf / "team" / "notes" / "a.txt").write_text("Lamps are yellow.")
    (shelf / "team" / "notes" / "b.txt").write_text("Pumps are blue.")
    source = follow(collection, str(shelf / "team" / "notes"), SourceKind.FOLDER)
    found = folder_look(source, Ledger(source, timezone.now()), Tally(), lambda: False)

    texts = [_text(next(found))]
    (shelf / "team").rename(tmp_path / "away")
    (shelf / "team").symlink_to(secret)
    texts += map(_text, found)

    assert texts == ["Lamps are yellow.", "Pumps are blue."]
    assert source.pk is not None
    with pytest.raises(FolderNotAllowed):
        look(source)


def _text(finding: Finding) -> str:
    assert finding.content is not None
    return finding.content.file.read().decode()


def test_directory_that_goes_while_it_is_listed_is_left_out(
    source: Source, shelf: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = os.stat

    def going(path: Any, **more: Any) -> os.stat_result:
        if path == "pumps" and (shelf / "pumps").exists():
            shutil.rmtree(shelf / "pumps")
        return state(path, **more)

    monkeypatch.setattr(os, "stat", going)

    look(source)

    assert addresses(collection) == ["lamps.txt"]


def test_directory_that_may_not_be_read_is_named_and_nothing_in_it_counts_as_gone(
    source: Source, shelf: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(source)
    monkeypatch.setattr(os, "access", lambda path, *_mode, **_more: path != "pumps")

    tally = look(source)

    assert not tally.is_complete
    assert reasons(source) == {"pumps": "folder_unreadable"}
    assert addresses(collection) == ["lamps.txt", "pumps/cleaning.md", "pumps/filters.txt"]


def test_file_that_grows_while_it_is_read_ends_at_the_limit(
    source: Source, shelf: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_UPLOAD_MB = 1
    real_open = os.open

    def growing(path: Any, *more: Any, **rest: Any) -> int:
        if path == "lamps.txt":
            (shelf / "lamps.txt").write_bytes(b"Lamps. " * 300_000)
        return real_open(path, *more, **rest)

    monkeypatch.setattr(os, "open", growing)

    look(source)

    assert reasons(source) == {"lamps.txt": "too_big"}


@pytest.mark.parametrize("name", ["a" * 300, "circle"])
def test_folder_that_cannot_be_named_so_is_not_there(shelf: Path, name: str) -> None:
    (shelf / "circle").symlink_to(shelf / "circle")

    with pytest.raises(FolderMissing):
        folder_of(str(shelf / name))


def test_hidden_files_are_left_out_and_unknown_kinds_are_named(
    source: Source, shelf: Path, collection: Collection
) -> None:
    (shelf / ".env").write_text("SECRET=1")
    (shelf / ".git").mkdir()
    (shelf / ".git" / "notes.txt").write_text("Hidden.")
    (shelf / "~$lamps.txt").write_text("Locked.")
    (shelf / "photo.raw").write_bytes(b"...")
    (shelf / "empty.txt").touch()

    look(source)

    assert addresses(collection) == ["lamps.txt", "pumps/cleaning.md", "pumps/filters.txt"]
    assert reasons(source) == {"photo.raw": "type_not_read", "empty.txt": "empty_file"}


def test_names_in_no_encoding_at_all_are_told_and_left_out(source: Source, shelf: Path) -> None:
    Path(os.fsdecode(os.fsencode(shelf) + b"/caf\xe9.txt")).write_text("Latin-1.")

    assert look(source).counts == {"new": 3, "left_out": 1}
    assert reasons(source) == {"caf\\udce9.txt": "odd_name"}


def test_file_that_is_too_large_is_named(source: Source, shelf: Path, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 1
    (shelf / "large.txt").write_bytes(b"x" * 1_100_000)

    look(source)

    assert reasons(source) == {"large.txt": "too_big"}


def test_no_more_files_are_read_than_allowed_and_those_that_are_stay(source: Source, shelf: Path) -> None:
    Source.objects.update(page_limit=3)
    source.refresh_from_db()
    look(source)
    (shelf / "a-first.txt").write_text("Comes first in the alphabet.")

    assert look(source).counts == {"same": 3, "left_out": 1}
    assert reasons(source) == {"a-first.txt": "over_limit"}


def test_folder_that_is_away_deletes_nothing(source: Source, shelf: Path) -> None:
    look(source)
    shelf.rename(shelf.with_name("unplugged"))

    with pytest.raises(FolderMissing):
        look(source)
    shelf.mkdir()
    with pytest.raises(FolderEmpty):
        look(source)
    assert Document.objects.count() == 3


@pytest.mark.parametrize(
    "text", ["/etc", "shelf", "../..", "{shelf}/../secret", "{shelf}-other", "{shelf}/out"]
)
def test_folder_outside_of_the_allowed_ones_is_refused(
    shelf: Path, tmp_path: Path, collection: Collection, text: str
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "shelf-other").mkdir()
    (shelf / "out").symlink_to(tmp_path / "secret")

    with pytest.raises(FolderNotAllowed):
        look(follow(collection, text.format(shelf=shelf), SourceKind.FOLDER))


def test_folders_are_off_when_the_operator_names_none(source: Source, settings: Settings) -> None:
    settings.SOURCE_FOLDERS = []

    with pytest.raises(FoldersOff):
        look(source)
