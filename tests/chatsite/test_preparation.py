"""`prepare` does only what is missing, and `reset` starts over."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from chatsite.preparation import collect_static
from jobs.embedded import DirectoryLock
from tests.environment import ROOT
from tests.site import Site, free_port


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    new = Site(tmp_path)
    yield new
    new.kill()


def test_second_prepare_has_nothing_to_do(site: Site) -> None:
    first = site.manage("prepare")
    second = site.manage("prepare")

    assert "Applying accounts.0001_initial" in first
    assert second == ""


def test_site_somebody_uses_is_not_seeded(site: Site) -> None:
    site.manage("prepare")
    people = "from accounts.models import User; User.objects.create_user('alice')"
    site.manage("shell", "--no-imports", "-c", people)

    site.manage("prepare", "--demo")

    assert not (site.data_dir / "seeded").exists()


def test_bad_configuration_stops_prepare_before_it_touches_anything(tmp_path: Path) -> None:
    site = Site(tmp_path, MAX_UPLOAD_MB="0")

    with pytest.raises(RuntimeError, match=r"chatsite\.E008"):
        site.manage("prepare")

    assert not (tmp_path / "site.sqlite3").exists()


def test_reset_deletes_what_the_site_made_and_nothing_else(site: Site) -> None:
    site.manage("prepare")
    (site.data_dir / "models").mkdir()
    (site.data_dir / "letter.txt").write_text("mine", encoding="utf-8")

    site.manage("reset", "--yes")

    left = {path.name for path in site.data_dir.iterdir()}
    assert left == {"models", "letter.txt", "secret_key", "lock"}


def test_reset_deletes_nothing_without_a_yes(site: Site) -> None:
    site.manage("prepare")

    with pytest.raises(RuntimeError, match="Nothing was deleted"):
        site.manage("reset")

    assert (site.data_dir / "site.sqlite3").exists()


def test_reset_is_refused_while_the_site_runs(site: Site) -> None:
    site.manage("prepare")

    with DirectoryLock(site.data_dir), pytest.raises(RuntimeError, match="Stop the site first"):
        site.manage("reset", "--yes")

    assert (site.data_dir / "site.sqlite3").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATA_DIR", "/dev/null/data", "Name another folder"),
        ("TIME_ZONE", "Mars/City", "Europe/Berlin"),
        ("MAX_UPLOAD_MB", "abc", "must be a number"),
        ("DATABASE_URL", "mysql://x", "must start with postgres://"),
    ],
)
def test_a_bad_variable_ends_in_a_sentence_and_no_traceback(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    environment = {**Site(tmp_path).environment, name: value}

    done = subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert says in done.stderr
    assert ".env.example" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_in_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="make run"):
        Site(tmp_path).manage("serve", "--port", str(free_port()))


def test_new_static_files_leave_those_a_running_site_still_sends(settings: Settings) -> None:
    root = Path(settings.STATIC_ROOT)
    sent = root / "main.0123456789ab.js"
    sent.write_text("// an older version", encoding="utf-8")

    assert collect_static()

    assert sent.is_file()
    assert (root / "js" / "site.js").is_file()
    shutil.rmtree(root)
    root.mkdir()


def test_make_without_a_target_explains_every_target() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    explained = {line.split(":")[0] for line in lines if ":" in line and "## " in line}

    assert {"run", "test", "lint", "format", "check", "bench", "seed", "reset"} <= explained
