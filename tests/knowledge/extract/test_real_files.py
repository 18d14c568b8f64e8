"""Real and malformed files from many programs: each is read or refused as its manifest says."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from knowledge.extract.clean import garbage_share
from knowledge.extract.errors import ExtractError
from knowledge.extract.formats import SUFFIXES, suffix_of
from knowledge.extract.runner import extract

FOLDER = Path(__file__).parents[4] / "shared/data/dev/ingest"


@pytest.mark.skipif(not FOLDER.exists(), reason="the collection of real files is not beside this checkout")
def test_every_real_file_is_read_or_refused_as_expected() -> None:
    surprises: list[str] = []
    for line in (FOLDER / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        outcome = _outcome(FOLDER / "files" / entry["file"])
        expected = ("ready", "failed") if entry["expect"] == "either" else (entry["expect"],)
        if outcome not in expected and suffix_of(entry["file"]) in SUFFIXES:
            surprises.append(f"{entry['file']}: {outcome}, not {entry['expect']}")

    assert surprises == []


def _outcome(path: Path) -> str:
    try:
        result = extract(path, path.name)
    except ExtractError as error:
        return "failed" if error.code not in ("parser_crashed", "timeout") else f"failed ({error})"
    text = "".join(section.text for section in result.sections)
    assert garbage_share(text) < 0.05
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs") for character in text if character not in "\n\t"
    )
    assert result.title
    return "ready"
