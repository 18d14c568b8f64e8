"""Text recognition as this site has it: which Tesseract, which languages, and what to install.

How a page is recognised stands in extract/ocr.py.
"""

import logging
import os
import shutil
import subprocess
from pathlib import Path

from django.conf import settings

from knowledge.extract import runner
from knowledge.extract.errors import NoText
from knowledge.extract.ocr import Tesseract
from knowledge.extract.runner import OnProgress, ShouldStop
from knowledge.extract.types import ExtractedText, Params

ORIENTATION = "osd"  # the data that tells which way up a page is
LIST_TIMEOUT_S = 10.0
ENGLISH = "eng"  # comes with the program
LANGUAGES = {
    "ar": "ara",
    "bg": "bul",
    "cs": "ces",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": ENGLISH,
    "es": "spa",
    "fa": "fas",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hi": "hin",
    "hu": "hun",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "nb": "nor",
    "nl": "nld",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sv": "swe",
    "th": "tha",
    "tr": "tur",
    "uk": "ukr",
    "vi": "vie",
    "zh-hans": "chi_sim",
    "zh-hant": "chi_tra",
}

logger = logging.getLogger(__name__)


def extract(
    path: Path, name: str, *, timeout_s: float, on_progress: OnProgress, should_stop: ShouldStop
) -> ExtractedText:
    """Read a file as `runner.extract` does, with text recognition where this machine has it.

    Raises: ExtractError; that of a scan nobody could read says what to install.
    """
    tesseract = find_tesseract() if settings.OCR == "auto" else None
    try:
        return runner.extract(
            path,
            name,
            timeout_s=timeout_s,
            on_progress=on_progress,
            should_stop=should_stop,
            tesseract=tesseract,
        )
    except NoText as error:
        if tesseract is not None or "pictures" not in error.params:
            raise
        raise NoText(error.detail, {**error.params, **_advice()}) from error


def find_tesseract() -> Tesseract | None:
    """Return the program on the PATH with those of the wanted languages it has; None without any of them."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    program = os.path.realpath(program)
    installed = installed_languages(program)
    wanted = wanted_languages()
    if missing := [language for language in wanted if language not in installed]:
        logger.warning("text recognition without %s: apt-get install %s", missing, packages(missing))
    languages = tuple(language for language in wanted if language in installed)
    return Tesseract(program, languages, can_turn=ORIENTATION in installed) if languages else None


def installed_languages(program: str) -> frozenset[str]:
    """Return what Tesseract says it can read; nothing when it does not answer."""
    try:
        said = subprocess.run(  # noqa: S603 - no shell; the program was found on the site's own PATH
            [program, "--list-langs"],
            capture_output=True,
            timeout=LIST_TIMEOUT_S,
            text=True,
            check=True,
            env={},
        )
    except (OSError, subprocess.SubprocessError) as exc:
        logger.warning("text recognition is not available: %s", exc)
        return frozenset()
    return frozenset(line.strip() for line in said.stdout.splitlines() if line.strip() and ":" not in line)


def wanted_languages() -> list[str]:
    """Return the languages to recognise, as Tesseract calls them: OCR_LANGUAGES, or the site's own."""
    if settings.OCR_LANGUAGES:
        return list(dict.fromkeys(settings.OCR_LANGUAGES))
    return [LANGUAGES[code] for code, _name in settings.LANGUAGES if code in LANGUAGES]


def packages(languages: list[str]) -> str:
    """Return the Debian packages that hold the program and these languages."""
    extra = [f"tesseract-ocr-{language.replace('_', '-')}" for language in languages if language != ENGLISH]
    return " ".join(["tesseract-ocr", *extra])


def _advice() -> Params:
    if settings.OCR == "off":
        return {"reason": "recognition_off"}
    return {"packages": packages(wanted_languages())}
