"""The list of variables cannot lie: .env.example and the settings name the same ones."""

import ast
import re
from pathlib import Path

import pytest

from chatsite import env
from tests.environment import ROOT, variable_names

EXAMPLE = ROOT / ".env.example"


def read_by_settings() -> set[str]:
    tree = ast.parse((ROOT / "chatsite" / "settings.py").read_text(encoding="utf-8"))
    return {
        str(call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_example_lists_every_variable_the_settings_read() -> None:
    assert read_by_settings() - variable_names(EXAMPLE) == set()


def test_settings_read_every_variable_of_the_example() -> None:
    assert variable_names(EXAMPLE) - read_by_settings() == set()


def test_each_variable_is_explained_right_above() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    for number, line in enumerate(lines):
        if re.match(r"#[A-Z_]+=", line):
            above = next(text for text in reversed(lines[:number]) if not re.match(r"#[A-Z_]+=", text))
            assert re.match(r"# .+[.:]", above), f"{line} has no sentence above it"


def test_copy_of_the_example_changes_nothing() -> None:
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#")


def test_secret_is_read_from_the_file_that_name_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from the file\n", encoding="utf-8")
    monkeypatch.setenv("SECRET_KEY", "from the variable")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert env.text("SECRET_KEY") == "from the file"
