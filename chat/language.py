"""Which language a text is in; told in the room below, which also asks it of documents."""

from knowledge.language import LANGUAGES, MAX_CHARS, detect

__all__ = ["LANGUAGES", "MAX_CHARS", "detect"]
