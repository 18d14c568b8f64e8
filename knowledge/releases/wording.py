"""What the gate found, in words: one sentence a rule, one a finding, and what to do."""

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from knowledge.releases.findings import Check, Finding

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

RULES: "Final[dict[str, StrOrPromise]]" = {
    "golden_worse": gettext_lazy("No golden question worse than live"),
    "golden_found": gettext_lazy("Right document among the first five for at least 90%"),
    "golden_refused": gettext_lazy("Refuses what it must refuse"),
    "has_text": gettext_lazy("Every changed document has text"),
    "still_there": gettext_lazy("The documents are still there"),
    "text_kept": gettext_lazy("No changed document lost text"),
    "legible": gettext_lazy("New text can be read"),
    "chunking": gettext_lazy("Chunks have their usual size and headings"),
    "vectors": gettext_lazy("Vectors belong to their chunks"),
    "words": gettext_lazy("The word index is complete"),
    "probes": gettext_lazy("What could be found is still found"),
}

FINDINGS: "Final[dict[str, StrOrPromise]]" = {
    "golden_found": gettext_lazy("Only %(percent)s%% find their document."),
    "golden_refused": gettext_lazy("Not refused: %(missed)s."),
    "no_text": gettext_lazy("Its newest file has no text. Upload one with text, or recognise it first."),
    "not_read": gettext_lazy("Its newest file could not be read. Its page says why."),
    "many_off": gettext_lazy("%(documents)s of %(of)s documents are switched off at once."),
    "text_lost": gettext_lazy("%(percent)s%% of its text is gone, or another text stands there."),
    "cut_off": gettext_lazy("Its end is missing: %(percent)s%% of the text."),
    "pages_lost": gettext_lazy("Pages without their text: %(pages)s, the first is page %(first)s."),
    "numbers_lost": gettext_lazy("Figures are missing: %(before)s before, %(after)s now."),
    "tables_lost": gettext_lazy("Table rows are missing: %(before)s before, %(after)s now."),
    "language_lost": gettext_lazy("Its text in one language is gone (%(language)s)."),
    "strange_words": gettext_lazy("%(percent)s%% of its new words look misread; %(usual)s%% is usual here."),
    "impossible_words": gettext_lazy("%(percent)s%% of its new words cannot be words: they look misread."),
    "wrong_encoding": gettext_lazy("Letters are garbled: it was read in the wrong encoding."),
    "backwards": gettext_lazy("Words are written backwards."),
    "shattered": gettext_lazy("Words are torn into single letters."),
    "giant_chunk": gettext_lazy("A chunk of %(characters)s characters; %(usual)s is usual here."),
    "tiny_chunks": gettext_lazy("%(chunks)s chunks of only about %(characters)s characters."),
    "headings_lost": gettext_lazy("Headings are missing: %(before)s before, %(after)s now."),
    "repeated_text": gettext_lazy("%(percent)s%% of the text is there more than once."),
    "vectors_missing": gettext_lazy("Chunks without a vector: %(chunks)s. Process their documents again."),
    "vectors_shared": gettext_lazy("Chunks with an empty vector or another's: %(chunks)s."),
    "vectors_other": gettext_lazy(
        "%(chunks)s of %(of)s vectors looked at are not what the embedding model gives for their text."
    ),
    "words_missing": gettext_lazy("Chunks missing there: %(chunks)s. Process their documents again."),
    "words_other": gettext_lazy("%(chunks)s of %(of)s chunks are not found by their own words."),
    "probes_lost": gettext_lazy(
        "%(lost)s of %(of)s sentences that the release finds, the draft does not find."
    ),
}


def rule(check: Check) -> str:
    """Name a rule."""
    return str(RULES.get(check.code, check.code))


def sentence(finding: Finding) -> str:
    """Say what was found; empty where the rule says it all."""
    template = FINDINGS.get(finding.code)
    return str(template) % dict(finding.params or {}) if template else ""


def skipped_reason(check: Check) -> str:
    """Say why a rule says nothing."""
    if check.code.startswith("golden"):
        return (
            _("No golden questions for this yet.")
            if check.code != "golden_worse"
            else _("Nothing is live yet.")
        )
    return _("Nothing to compare with yet.")
