"""User names that cannot be mistaken for one another. Pure; accounts/models.py keeps the keys unique."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_CHARS = 150
# Letters of these look alike, so a name keeps to one of them.
LOOKALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "CHEROKEE", "COPTIC"})


def without_controls(name: str) -> str:
    """Drop what a reader cannot see: control and format characters, direction marks among them."""
    return "".join(char for char in name if unicodedata.category(char) not in {"Cc", "Cf"})


def clean_name(name: str) -> str:
    """Return the name as it is kept: composed, without invisible characters, without outer space."""
    return unicodedata.normalize("NFKC", without_controls(name)).strip()


def name_key(name: str) -> str:
    """Return what two names share when a reader could take one for the other.

    Units: at most three times the characters of the name.
    """
    folded = unicodedata.normalize("NFKC", clean_name(name).casefold())
    return "".join(folded.split())


def check_name(name: str) -> None:
    """Refuse a name that is too long once composed, or that mixes scripts whose letters look alike.

    Raises: ValidationError.
    """
    if len(name) > MAX_CHARS:
        raise ValidationError(_("Use a shorter name."), code="max_length")
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in name if char.isalpha()}
    if len(scripts & LOOKALIKE_SCRIPTS) > 1:
        raise ValidationError(
            _("Use letters of one alphabet, so that nobody takes this name for another."),
            code="mixed_scripts",
        )
