"""What people are told about pages that are pictures, in the active language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from knowledge.extract.types import Params

_SCRIPTS: dict[str, tuple[str | Promise, str]] = {
    "ARABIC": (_("Arabic letters"), "tesseract-ocr-ara"),
    "CJK": (_("Chinese or Japanese characters"), "tesseract-ocr-chi-sim, tesseract-ocr-jpn"),
    "CYRILLIC": (_("Cyrillic letters"), "tesseract-ocr-rus"),
    "DEVANAGARI": (_("Devanagari letters"), "tesseract-ocr-hin"),
    "GREEK": (_("Greek letters"), "tesseract-ocr-ell"),
    "HANGUL": (_("Korean letters"), "tesseract-ocr-kor"),
    "HEBREW": (_("Hebrew letters"), "tesseract-ocr-heb"),
    "LATIN": (_("Latin letters"), "tesseract-ocr"),
    "THAI": (_("Thai letters"), "tesseract-ocr-tha"),
}


def script_sentence(script: str) -> str:
    """Say that text recognition has no language for a script (see extract/scripts.py); empty for none."""
    if script not in _SCRIPTS:
        return ""
    letters, package = _SCRIPTS[script]
    sentence = _(
        "The pictures seem to show %(letters)s, for which text recognition has no language here "
        "(for example %(package)s, named in OCR_LANGUAGES)."
    )
    return str(sentence) % {"letters": letters, "package": package}


def scan_sentence(params: Params, pictures: int, pages: int) -> str:
    """Say that a whole document is pictures, why they gave no text, and what can be done."""
    scan = ngettext(
        "This file looks like a scan: %(pictures)d of %(pages)d page is a picture.",
        "This file looks like a scan: %(pictures)d of %(pages)d pages are pictures.",
        pages,
    ) % {"pictures": pictures, "pages": pages}
    return f"{scan} {_what_now(params)}"


def _what_now(params: Params) -> str:
    reason = params.get("reason")
    if reason == "recognition_failed":
        return str(_("Text recognition (OCR) failed on them; the log says why."))
    if reason == "recognition_off":
        return str(
            _("Text recognition (OCR) is switched off here. Run it on the file and upload the result.")
        )
    if reason == "recognised_nothing":
        nothing = str(_("No text was found in the pictures."))
        return f"{nothing} {script_sentence(str(params.get('script', '')))}".strip()
    if "packages" in params:
        sentence = _(
            "To have it read, install text recognition on the server "
            "(apt-get install %(packages)s), then choose Try again."
        )
        return str(sentence) % {"packages": params["packages"]}
    return str(_("Run text recognition (OCR) on it and upload the result."))


def recognition_sentence(name: str, figure: str, count: int) -> str:
    """Return a warning about pictures of pages as a sentence; empty for any other warning."""
    if name == "pages_are_pictures":
        return ngettext(
            "%(count)d page is a picture and was not read.",
            "%(count)d pages are pictures and were not read.",
            count,
        ) % {"count": count}
    if name == "pages_recognised":
        return ngettext(
            "%(count)d page was read by text recognition (OCR), which makes mistakes.",
            "%(count)d pages were read by text recognition (OCR), which makes mistakes.",
            count,
        ) % {"count": count}
    if name == "pages_without_text":
        return ngettext(
            "%(count)d page is a picture in which no text was found.",
            "%(count)d pages are pictures in which no text was found.",
            count,
        ) % {"count": count}
    if name == "pages_failed":
        sentence = (
            _("Page %(pages)s could not be read.")
            if figure.isdigit()
            else _("Pages %(pages)s could not be read.")
        )
        return str(sentence) % {"pages": figure}
    if name == "script_unknown":
        return script_sentence(figure)
    return ""
