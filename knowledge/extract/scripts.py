"""Which letters a language of Tesseract is written in: pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

LATIN = "LATIN"
_OTHER_SCRIPTS = {
    "ara": "ARABIC",
    "fas": "ARABIC",
    "urd": "ARABIC",
    "heb": "HEBREW",
    "yid": "HEBREW",
    "rus": "CYRILLIC",
    "ukr": "CYRILLIC",
    "bel": "CYRILLIC",
    "bul": "CYRILLIC",
    "srp": "CYRILLIC",
    "ell": "GREEK",
    "hin": "DEVANAGARI",
    "mar": "DEVANAGARI",
    "tha": "THAI",
    "kor": "HANGUL",
    "jpn": "CJK",
    "chi": "CJK",
}
# What orientation and script detection calls them.
SCRIPTS = {
    "Latin": LATIN,
    "Arabic": "ARABIC",
    "Hebrew": "HEBREW",
    "Cyrillic": "CYRILLIC",
    "Greek": "GREEK",
    "Devanagari": "DEVANAGARI",
    "Thai": "THAI",
    "Korean": "HANGUL",
    "Hangul": "HANGUL",
    "Japanese": "CJK",
    "Han": "CJK",
}
_SAME = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": LATIN}
_KEPT_SHARE = 0.02
_MIN_LETTERS = 40


def script_of_letter(letter: str) -> str:
    """Return the script of a letter, as the first word of its Unicode name."""
    name = unicodedata.name(letter, "?").split()[0]
    return _SAME.get(name, name)


def script_of_language(language: str) -> str:
    """Return the script a language of Tesseract ("heb", "chi_sim") is written in."""
    return _OTHER_SCRIPTS.get(language.split("_")[0], LATIN)


def narrowed(languages: Sequence[str], letters: Mapping[str, int]) -> tuple[str, ...]:
    """Return the languages worth trying, given how many letters of each script a page has.

    The commonest script comes first; Latin stays, because its words stand in texts of every script.
    A page with few letters says nothing: then all stay, in their order.
    """
    total = sum(letters.values())
    if total < _MIN_LETTERS:
        return tuple(languages)
    kept = [
        language
        for language in languages
        if script_of_language(language) == LATIN
        or letters.get(script_of_language(language), 0) >= total * _KEPT_SHARE
    ]
    if not kept:
        return tuple(languages)
    return tuple(sorted(kept, key=lambda language: -letters.get(script_of_language(language), 0)))
