"""The child process: limits, progress, stopping, and its death."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from knowledge.extract import runner
from knowledge.extract.errors import (
    MissingFile,
    ParserCrashed,
    Stopped,
    TimedOut,
    TooComplex,
    TooLarge,
    build_error,
    warning_message,
)
from knowledge.extract.runner import extract
from knowledge.extract.types import ExtractedSection, ExtractedText
from tests.knowledge.extract.files import pdf, saved

ROOT = Path(__file__).parents[3]


def in_child(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, as the child does."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def test_result_survives_the_pipe() -> None:
    text = ExtractedText("T", (ExtractedSection("a\n\nb", ("H", "I"), 3),), 3, "pdf", ("pages_unreadable:1",))

    assert ExtractedText.from_json(_through_json(text)) == text


def _through_json(text: ExtractedText) -> dict[str, object]:
    import json

    value = json.loads(json.dumps(text.to_json()))
    assert isinstance(value, dict)
    return value


def test_progress_counts_pages(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    data = pdf([[f"Page about topic {at}"] for at in range(30)])

    extract(saved(tmp_path, data), "pages.pdf", on_progress=lambda done, total: seen.append((done, total)))

    assert seen[-1] == (30, 30)
    assert seen == sorted(seen)


def test_reading_stops_when_the_caller_asks(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        extract(saved(tmp_path, b"text"), "a.txt", should_stop=lambda: True)


def test_time_is_up_when_the_clock_says_so(tmp_path: Path) -> None:
    with pytest.raises(TimedOut) as caught:
        extract(saved(tmp_path, b"text"), "a.txt", timeout_s=0.001)

    assert caught.value.retryable


def test_memory_limit_ends_the_child_not_us(tmp_path: Path) -> None:
    with pytest.raises(TooComplex):
        extract(saved(tmp_path, b"words " * 4_000_000), "a.txt", memory_bytes=64 * 1024**2)


def test_limit_too_small_to_start_is_an_error_like_any_other(tmp_path: Path) -> None:
    with pytest.raises((TooComplex, ParserCrashed)):
        extract(saved(tmp_path, pdf([["Hello"]])), "a.pdf", memory_bytes=1024**2)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 11)", "os._exit(3)", "print('{', flush=True)"])
def test_child_that_dies_is_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    package = tmp_path / "knowledge" / "extract"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "child.py").write_text(f"import os\n{end}\n")
    monkeypatch.setattr(runner, "_PROJECT", tmp_path)

    with pytest.raises(ParserCrashed):
        extract(saved(tmp_path, b"text"), "a.txt")


def test_nothing_is_left_running_after_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "knowledge" / "extract"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    code = "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)\n"
    (package / "child.py").write_text(code)
    monkeypatch.setattr(runner, "_PROJECT", tmp_path)
    started = time.monotonic()

    with pytest.raises(TimedOut):
        extract(saved(tmp_path, b"text"), "a.txt", timeout_s=1.5)

    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        extract(tmp_path / "gone", "a.txt")


ODD_NAMES = ["--memory=1.txt", "a\0b.txt", "a\ud800.txt", "../../etc/passwd.txt", "x" * 5000 + ".txt"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_only_names(tmp_path: Path, name: str) -> None:
    assert extract(saved(tmp_path, b"Hello"), name).sections[0].text == "Hello"


def test_child_has_no_network_and_starts_no_programs() -> None:
    result = in_child(
        """
        import socket, subprocess
        from knowledge.extract import limits
        limits.cut_network()
        for attempt in (lambda: socket.create_connection(("127.0.0.1", 9)), lambda: subprocess.run(["true"])):
            try:
                attempt()
            except PermissionError:
                print("refused")
        """
    )

    assert result.stdout.split() == ["refused", "refused"], result.stderr


def test_child_imports_no_framework() -> None:
    result = in_child(
        """
        import sys
        import knowledge.extract.child, knowledge.extract.text, knowledge.extract.markdown
        heavy = ("django", "numpy", "torch", "pypdf", "lxml", "asyncio")
        print([name for name in heavy if name in sys.modules])
        """
    )

    assert result.stdout.strip() == "[]", result.stderr


def test_errors_are_rebuilt_from_what_a_row_stores() -> None:
    error = build_error("too_large", {"limit": 5000, "unit": "pages"})

    assert isinstance(error, TooLarge)
    assert "5000 pages" in error.user_message
    assert isinstance(build_error("from_an_older_version"), ParserCrashed)


def test_warnings_read_as_sentences() -> None:
    assert warning_message("pages_are_pictures:3") == "3 pages are pictures and were not read."
