"""Text recognition as the site has it: languages, what is missing, and what people are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from knowledge import ingest, ocr
from knowledge.extract.errors import NoText
from knowledge.extract.types import ExtractedText
from knowledge.models import Collection, Document, DocumentStatus
from knowledge.views.rows import build_rows
from tests.knowledge.extract.files import saved
from tests.knowledge.extract.scans import ENGLISH, drawn, needs_english, scan, stand_in


def read(folder: Path, data: bytes) -> ExtractedText:
    return ocr.extract(
        saved(folder, data),
        "scan.pdf",
        timeout_s=60,
        on_progress=lambda _done, _total: None,
        should_stop=lambda: False,
    )


def failure(folder: Path) -> str:
    with pytest.raises(NoText) as caught:
        read(folder, scan(drawn(ENGLISH), drawn(ENGLISH)))
    return str(caught.value.user_message)


@pytest.fixture
def other_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_scan_names_what_to_install_when_tesseract_is_not_there(other_path: Path) -> None:
    sentence = failure(other_path)

    assert sentence.startswith("This file looks like a scan: 2 of 2 pages are pictures.")
    assert "apt-get install tesseract-ocr tesseract-ocr-heb tesseract-ocr-ara" in sentence


def test_scan_says_so_when_recognition_is_switched_off(tmp_path: Path, settings: Settings) -> None:
    settings.OCR = "off"

    assert "switched off" in failure(tmp_path)


@needs_english
def test_scan_is_read_when_tesseract_is_on_the_path(tmp_path: Path) -> None:
    assert ENGLISH[0] in " ".join(read(tmp_path, scan(drawn(ENGLISH))).sections[0].text.split())


def listing(folder: Path, *languages: str) -> None:
    lines = "\n".join(("List of available languages (3):", *languages))
    stand_in(folder, f"/bin/cat <<END\n{lines}\nEND")


def test_languages_are_those_of_the_site_that_are_installed(
    other_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listing(other_path, "eng", "fra", "heb", "osd")

    found = ocr.find_tesseract()

    assert found is not None
    assert (found.languages, found.can_turn) == (("eng", "heb"), True)
    assert "apt-get install tesseract-ocr tesseract-ocr-ara" in caplog.text


def test_languages_that_were_chosen_win(other_path: Path, settings: Settings) -> None:
    listing(other_path, "eng", "fra", "chi_sim")
    settings.OCR_LANGUAGES = ["chi_sim", "fra", "--oem"]

    found = ocr.find_tesseract()

    assert found is not None
    assert found.languages == ("chi_sim", "fra")
    assert ocr.packages(["chi_sim"]) == "tesseract-ocr tesseract-ocr-chi-sim"


@pytest.mark.parametrize("script", ["exit 1", "/bin/cat <<END\nList (1):\nosd\nEND"])
def test_program_without_any_of_the_languages_counts_as_missing(other_path: Path, script: str) -> None:
    stand_in(other_path, script)

    assert ocr.find_tesseract() is None
    assert "apt-get install" in failure(other_path)


def test_every_language_of_the_site_can_be_recognised(settings: Settings) -> None:
    assert {code for code, _name in settings.LANGUAGES} <= set(ocr.LANGUAGES)


@needs_english
@pytest.mark.django_db(transaction=True)
def test_scan_that_failed_is_read_by_try_again_once_tesseract_is_there(
    collection: Collection, settings: Settings
) -> None:
    settings.OCR = "off"
    file = ContentFile(scan(drawn(ENGLISH)))
    document = ingest.ingest_now(ingest.add_document(collection, "scan.pdf", file, owner=None, queue=False))
    assert (document.status, document.error_code) == ("failed", "no_text")

    settings.OCR = "auto"
    document = ingest.read_again(document)

    assert (document.status, document.warnings) == ("ready", ["pages_recognised:1"])
    assert [chunk.page for chunk in document.chunks.all()] == [1]


@pytest.mark.parametrize(
    ("warnings", "label"),
    [
        (["pages_recognised:3"], "Ready"),
        (["part:lease.pdf\tpages_recognised:3"], "Ready"),
        (["pages_recognised:3", "pages_failed:2"], "Ready, in part"),
    ],
)
def test_recognised_pages_alone_do_not_make_a_document_partial(warnings: list[str], label: str) -> None:
    document = Document(name="scan.pdf", status=DocumentStatus.READY, warnings=warnings)

    row = build_rows([document])[0]

    assert str(row.label) == label
    assert len(row.notes) == len(warnings)
