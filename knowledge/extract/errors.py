"""Why a file did not become text, for people.

    ExtractError
    ├── UnsupportedType   unsupported_type   not a format we read
    ├── EmptyFile         empty_file         nothing in it
    ├── NoText            no_text            pictures of pages, or letters that cannot be decoded
    ├── Encrypted         encrypted          needs a password
    ├── Corrupt           corrupt            damaged or cut off
    ├── TooLarge          too_large          over a limit that is named
    ├── TypeMismatch      type_mismatch      the name says one thing, the content another
    ├── ArchiveBomb       archive_bomb       packed so that unpacking would do harm
    ├── TooComplex        too_complex        needs more memory or computing than allowed
    ├── TimedOut          timeout            took too long by the clock (retryable)
    ├── ParserCrashed     parser_crashed     the child process died (retryable)
    ├── BadEncoding       bad_encoding       text in an encoding that cannot be told
    ├── MissingFile       missing_file       the stored file is gone
    └── Stopped           stopped            the caller asked to stop (retryable)

The child process knows only codes and figures; this module is the one place with sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

from knowledge.extract.formats import FORMATS
from knowledge.extract.ocr_sentences import recognition_sentence, scan_sentence
from knowledge.extract.types import FailureCode, Params

_HARMLESS: Final = ("encoding_guessed", "pages_recognised")  # all of it was read


class ExtractError(Exception):
    """Base of everything `extract` raises; `str(error)` is for the log."""

    code: ClassVar[FailureCode]
    retryable: ClassVar[bool] = False
    message: ClassVar[str | Promise]

    def __init__(self, detail: str = "", params: Params | None = None) -> None:
        self.detail = detail
        self.params: dict[str, str | int] = dict(params or {})
        figures = " ".join(f"{name}={value}" for name, value in self.params.items())
        super().__init__(" ".join(part for part in (str(self.code), figures, detail) if part))

    @property
    def user_message(self) -> str:
        """Return what the person can do about it, in the active language."""
        return str(self.message)


class UnsupportedType(ExtractError):
    code = FailureCode.UNSUPPORTED_TYPE
    message = _("Files of this type can't be read here. Use %(types)s.")

    @property
    def user_message(self) -> str:
        """Name the file's own ending and what may be used instead."""
        suffix = str(self.params.get("suffix", ""))
        if not suffix:
            return str(self.message) % {"types": supported_sentence()}
        sentence = _("“%(suffix)s” files can't be read here. Use %(types)s.")
        return str(sentence) % {"suffix": suffix, "types": supported_sentence()}


class EmptyFile(ExtractError):
    code = FailureCode.EMPTY_FILE
    message = _("This file is empty. Check that it was saved, then upload it again.")


class NoText(ExtractError):
    code = FailureCode.NO_TEXT
    message = _("No text was found in this file.")

    @property
    def user_message(self) -> str:
        """Say whether the pages are pictures, the letters unreadable, or there is simply nothing."""
        pictures, pages = self.params.get("pictures"), self.params.get("pages")
        if isinstance(pictures, int) and isinstance(pages, int):
            return scan_sentence(self.params, pictures, pages)
        if self.params.get("reason") == "glyphs":
            return str(
                _(
                    "The letters in this file can't be decoded, because its fonts don't say what they mean. "
                    "Export it again from the original program, or run text recognition (OCR) on it."
                )
            )
        return str(self.message)


class Encrypted(ExtractError):
    code = FailureCode.ENCRYPTED
    message = _("This file is protected by a password. Remove the password and upload it again.")


class Corrupt(ExtractError):
    code = FailureCode.CORRUPT
    message = _(
        "This file is damaged or incomplete and can't be opened. "
        "Open it in the program that made it, save it again and upload that copy."
    )

    @property
    def user_message(self) -> str:
        """Name the line that is wrong, where the format has lines."""
        line = self.params.get("line")
        if not isinstance(line, int):
            return str(self.message)
        return _("Line %(line)d of this file is not valid JSON. Correct it and upload the file again.") % {
            "line": line
        }


class TooLarge(ExtractError):
    code = FailureCode.TOO_LARGE
    message = _("This file is too large. Split it into smaller files and upload them one by one.")
    limits: ClassVar = {
        "megabytes": ngettext_lazy("%(limit)d megabyte", "%(limit)d megabytes", "limit"),
        "pages": ngettext_lazy("%(limit)d page", "%(limit)d pages", "limit"),
        "cells": ngettext_lazy("%(limit)d cell", "%(limit)d cells", "limit"),
        "characters": ngettext_lazy("%(limit)d character", "%(limit)d characters", "limit"),
    }

    @property
    def user_message(self) -> str:
        """Name the limit that was passed, where it is known."""
        limit, unit = self.params.get("limit"), str(self.params.get("unit", ""))
        if not isinstance(limit, int) or unit not in self.limits:
            return str(self.message)
        return _(
            "This file is too large: at most %(limit)s can be read. "
            "Split it into smaller files and upload them one by one."
        ) % {"limit": self.limits[unit] % {"limit": limit}}


class TypeMismatch(ExtractError):
    code = FailureCode.TYPE_MISMATCH
    message = _(
        "The content of this file doesn't fit its name. "
        "Give it the ending of its real type and upload it again."
    )
    kinds: ClassVar = {
        "pdf": _("a PDF"),
        "zip": _("a ZIP archive"),
        "docx": _("a Word document"),
        "xlsx": _("an Excel workbook"),
        "pptx": _("a PowerPoint presentation"),
        "odt": _("an OpenDocument text"),
        "epub": _("an EPUB book"),
        "open-document": _("an OpenDocument file of another kind"),
        "office-legacy": _("an old Office file"),
        "image": _("a picture"),
        "program": _("a program"),
        "archive": _("a packed archive"),
        "html": _("a web page"),
        "rtf": _("an RTF document"),
        "media": _("sound or video"),
        "database": _("a database"),
        "binary": _("not text"),
    }

    @property
    def user_message(self) -> str:
        """Say what the content looks like, where it can be told."""
        kind = self.kinds.get(str(self.params.get("found", "")))
        if kind is None:
            return str(self.message)
        suffix = str(self.params.get("suffix", ""))
        if not suffix:
            sentence = _(
                "The content of this file is %(kind)s. "
                "Give it the ending of its real type and upload it again."
            )
            return str(sentence) % {"kind": kind}
        return _(
            "This file is named “%(suffix)s”, but its content is %(kind)s. "
            "Give it the ending of its real type, or save it as “%(suffix)s” and upload that."
        ) % {"suffix": suffix, "kind": kind}


class ArchiveBomb(ExtractError):
    code = FailureCode.ARCHIVE_BOMB
    message = _(
        "This file is packed in an unsafe way: it would unpack to far more than its size, "
        "or outside its folder. "
        "Save it again from the program that made it and upload that copy."
    )


class TooComplex(ExtractError):
    code = FailureCode.TOO_COMPLEX
    message = _(
        "This file needs more memory or computing time than one document may use. "
        "Split it into smaller files, or save it in a simpler format such as text or DOCX."
    )


class TimedOut(ExtractError):
    code = FailureCode.TIMEOUT
    retryable = True
    message = _("Reading this file took too long. Try again, or split it into smaller files.")


class ParserCrashed(ExtractError):
    code = FailureCode.PARSER_CRASHED
    retryable = True
    message = _(
        "Reading this file failed unexpectedly. Try again, or save it in another format and upload that."
    )


class BadEncoding(ExtractError):
    code = FailureCode.BAD_ENCODING
    message = _("The letters in this text file can't be decoded. Save it as UTF-8 and upload it again.")


class MissingFile(ExtractError):
    code = FailureCode.MISSING_FILE
    message = _("The stored file is no longer there. Upload it again.")


class Stopped(ExtractError):
    code = FailureCode.STOPPED
    retryable = True
    message = _("Reading was stopped.")


ERRORS: dict[FailureCode, type[ExtractError]] = {kind.code: kind for kind in ExtractError.__subclasses__()}


def build_error(code: str, params: Params | None = None, detail: str = "") -> ExtractError:
    """Return the error for a code, also one read back from a stored document.

    An unknown code becomes ParserCrashed, so that an old row never breaks a page.
    """
    try:
        kind = ERRORS[FailureCode(code)]
    except ValueError:
        return ParserCrashed(f"unknown code {code!r} {detail}".strip())
    return kind(detail, params)


def loses_text(warnings: Iterable[str]) -> bool:
    """Say whether one of these warnings means that some of the file was not read."""
    return any(not warning.rpartition("\t")[2].startswith(_HARMLESS) for warning in warnings)


def warning_message(warning: str) -> str:
    """Return a warning of an `ExtractedText` as a sentence in the active language."""
    name, _colon, figure = warning.partition(":")
    count = int(figure) if figure.isdigit() else 0
    if told := recognition_sentence(name, figure, count):
        return told
    if name == "pages_unreadable":
        return ngettext("%(count)d page could not be read.", "%(count)d pages could not be read.", count) % {
            "count": count
        }
    if name == "numbers_shortened":
        return ngettext(
            "%(count)d long list of numbers was shortened.",
            "%(count)d long lists of numbers were shortened.",
            count,
        ) % {"count": count}
    if name == "encoding_guessed":
        return str(_("The encoding was guessed (%(encoding)s).") % {"encoding": figure})
    if name == "unread":
        return _unread_message(figure)
    if name == "part":
        part, _tab, inner = figure.partition("\t")
        return f"{part}: {warning_message(inner)}"
    if name == "more_warnings":
        return ngettext("There is %(count)d more warning.", "There are %(count)d more warnings.", count) % {
            "count": count
        }
    return str(_("Some of the file could not be read."))


def _unread_message(code: str) -> str:
    if code == FailureCode.UNSUPPORTED_TYPE:
        return str(_("Not read, because files of this type can't be read here."))
    return str(_("Not read. %(reason)s") % {"reason": build_error(code).user_message})


def supported_sentence() -> str:
    """Return the readable types as one list for forms ("PDF, DOCX or CSV"), in the active language."""
    return str(get_text_list([entry.label for entry in FORMATS], _("or")))
