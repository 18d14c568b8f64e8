"""The files inside a file, each read by its own format's reader and kept under its own name.

One document stays one document: a part's sections get its name at the head of their heading path and keep
their page numbers, which count inside the part. What cannot be read becomes a warning that names it.
"""

from __future__ import annotations

import io
from dataclasses import replace

from knowledge.extract.archive import MAX_DEPTH
from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.reading import read
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import MAX_CHARACTERS, MAX_HEADING
from knowledge.extract.types import ExtractedSection, ExtractedText, FailureCode

MAX_WARNINGS = 50


class Parts:
    """What was read so far of the files inside `source`, in their order."""

    def __init__(self, source: Source) -> None:
        self.refused: list[Refused] = []
        self._source = source
        self._sections: list[ExtractedSection] = []
        self._warnings: dict[str, None] = {}
        self._characters = 0

    @property
    def sections(self) -> tuple[ExtractedSection, ...]:
        """Return everything read, in reading order."""
        return tuple(self._sections)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the parts' own warnings and one for each that was not read; at most MAX_WARNINGS."""
        warnings = list(self._warnings)
        left_out = len(warnings) - MAX_WARNINGS
        return (*warnings[:MAX_WARNINGS], *([f"more_warnings:{left_out}"] if left_out > 0 else ()))

    def add(self, name: str, data: bytes) -> None:
        """Read one file that lay inside; one that cannot be read is named in a warning.

        Raises: Refused (too_large) when there is more text in all than one document may have; MemoryError.
        """
        try:
            self.embed(name, read(self.inner(name, data)))
        except Refused as exc:
            if self._is_full(exc):
                raise
            self.leave_out(name, exc)
        except MemoryError:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a parser throws at one part must not cost the others
            self.leave_out(name, Refused(FailureCode.CORRUPT, repr(exc)[:500]))

    def inner(self, name: str, data: bytes) -> Source:
        """Return a part as a source of its own, one level further down.

        Raises: Refused (archive_bomb) past the nesting allowed.
        """
        if self._source.depth >= MAX_DEPTH:
            raise Refused(FailureCode.ARCHIVE_BOMB, "nested too deeply")
        return replace(
            self._source,
            file=io.BytesIO(data),
            name=name,
            progress=lambda _done, _total: None,
            depth=self._source.depth + 1,
        )

    def embed(self, name: str, text: ExtractedText) -> None:
        """Take a part's text under its name, and under its title where that says more.

        Raises: Refused (too_large).
        """
        label = clean_line(name)[-MAX_HEADING:]
        path = (label, text.title) if self._adds(text, name) else (label,)
        for section in text.sections:
            self.write(replace(section, heading=(*path, *section.heading)))
        for warning in text.warnings:
            self._warnings.setdefault(f"part:{label}\t{warning}")

    def write(self, section: ExtractedSection) -> None:
        """Take one section as it is.

        Raises: Refused (too_large).
        """
        self._characters += len(section.text)
        if self._characters > MAX_CHARACTERS:
            raise Refused(FailureCode.TOO_LARGE, limit=MAX_CHARACTERS, unit="characters")
        self._sections.append(section)

    def leave_out(self, name: str, reason: Refused) -> None:
        """Remember that a part was not read, and why."""
        self.refused.append(reason)
        self._warnings.setdefault(f"part:{clean_line(name)[-MAX_HEADING:]}\tunread:{reason.code}")

    def _is_full(self, refused: Refused) -> bool:
        return refused.code is FailureCode.TOO_LARGE and self._characters > MAX_CHARACTERS

    def _adds(self, text: ExtractedText, name: str) -> bool:
        """Tell a title that is neither the file's name nor the first thing the text says."""
        first = text.sections[0]
        known = {
            name,
            replace(self._source, name=name).stem,
            *first.heading[:1],
            first.text.split("\n", 1)[0],
        }
        return text.title.casefold() not in {clean_line(item).casefold() for item in known}
