"""The set-up script: every step once, each again only when what it was made from changes."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.environment import ROOT


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module that works in a directory of its own."""
    spec = importlib.util.spec_from_file_location("set_up", ROOT / "scripts" / "set_up.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / ".env.example").write_text("#PORT=8000\n", encoding="utf-8")
    return module


def test_env_file_is_made_once_and_never_overwritten(set_up: ModuleType, tmp_path: Path) -> None:
    set_up.make_env_file()
    (tmp_path / ".env").write_text("PORT=9000\n", encoding="utf-8")

    set_up.make_env_file()

    assert (tmp_path / ".env").read_text(encoding="utf-8") == "PORT=9000\n"


def test_fingerprint_changes_with_any_of_the_files(set_up: ModuleType, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    before = set_up.fingerprint("a.txt", "b.txt")

    (tmp_path / "b.txt").write_text("changed", encoding="utf-8")

    assert set_up.fingerprint("a.txt", "b.txt") != before


def test_unknown_step_is_bad_usage() -> None:
    done = subprocess.run([sys.executable, "scripts/set_up.py", "dance"], cwd=ROOT, capture_output=True)

    assert done.returncode == 2


def test_script_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", "scripts/set_up.py"], cwd=ROOT, capture_output=True)

    assert done.returncode == 0
