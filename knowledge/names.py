"""File names as people send them, made safe to keep and to show."""

import unicodedata

LONGEST = 255
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_file_name(name: str) -> str:
    """Return the last part of a path without control and direction marks, at most 255 characters long.

    The ending is kept when the name has to be cut. Never empty.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(char for char in last if unicodedata.category(char) not in _UNSAFE)
    kept = unicodedata.normalize("NFC", " ".join(kept.split()))
    if len(kept) > LONGEST:
        stem, dot, ending = kept.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        kept = kept[: LONGEST - len(ending)] + ending
    return kept or "document"
