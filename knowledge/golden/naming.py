"""What a language is called in the reader's own."""

from django.utils.translation import get_language_info
from django.utils.translation import gettext as _


def language_name(code: str) -> str:
    """Name a language; an unknown code stays as it is."""
    if not code:
        return _("Not told")
    try:
        return str(get_language_info({"zh": "zh-hans"}.get(code, code))["name_translated"])
    except KeyError:
        return code
