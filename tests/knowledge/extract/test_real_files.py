"""Real and malformed files from many programs: each is read or refused as its manifest says."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from knowledge.extract.clean import garbage_share
from knowledge.extract.errors import ExtractError
from knowledge.extract.formats import SUFFIXES, suffix_of
from knowledge.extract.ocr import Tesseract
from knowledge.extract.runner import extract
from tests.knowledge.extract.scans import PROGRAM, needs_english, tesseract

FOLDER = Path(__file__).parents[4] / "shared/data/dev/ingest"


@pytest.mark.skipif(not FOLDER.exists(), reason="the collection of real files is not beside this checkout")
@pytest.mark.parametrize("program", [None, pytest.param(PROGRAM, marks=needs_english)])
def test_every_real_file_is_read_or_refused_as_expected(program: str | None) -> None:
    surprises: list[str] = []
    for line in (FOLDER / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        outcome = _outcome(FOLDER / "files" / entry["file"], tesseract("eng") if program else None)
        expected = ("ready", "failed") if entry["expect"] == "either" else (entry["expect"],)
        if outcome not in expected and suffix_of(entry["file"]) in SUFFIXES:
            surprises.append(f"{entry['file']}: {outcome}, not {entry['expect']}")

    assert surprises == []


@needs_english
@pytest.mark.skipif(not FOLDER.exists(), reason="the collection of real files is not beside this checkout")
def test_scanned_report_is_read_with_its_figures() -> None:
    path = FOLDER / "files/MEDRPT-2024-PAT-3847_medical_report_scan.pdf"

    result = extract(path, path.name, tesseract=tesseract("eng"))

    text = "\n".join(section.text for section in result.sections)
    assert [section.page for section in result.sections] == [1, 2, 3]
    assert all(fact in text for fact in ("Jonathan Michael Harrison", "142/88 mmHg", "TREATMENT PLAN"))


def _outcome(path: Path, program: Tesseract | None) -> str:
    try:
        result = extract(path, path.name, tesseract=program)
    except ExtractError as error:
        return "failed" if error.code not in ("parser_crashed", "timeout") else f"failed ({error})"
    text = "".join(section.text for section in result.sections)
    assert garbage_share(text) < 0.05
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs") for character in text if character not in "\n\t"
    )
    assert result.title
    return "ready"
