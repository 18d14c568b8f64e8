"""`prepare` does only what is missing, and `reset` starts over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.embedded import DirectoryLock
from tests.environment import ROOT
from tests.site import Site


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


def test_make_without_a_target_explains_every_target() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    explained = {line.split(":")[0] for line in lines if ":" in line and "## " in line}

    assert {"run", "test", "lint", "format", "check", "bench", "seed", "reset"} <= explained
