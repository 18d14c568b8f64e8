"""Text recognition (OCR) of pages that are pictures: a child draws the page, Tesseract reads it.

Both run inside the parser's own limits, as processes of their own: what goes wrong with one page costs
that page and nothing else. Which Tesseract, and for which languages, is decided outside (`knowledge.ocr`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass

from knowledge.extract.ocr_text import RecognisedPage, from_tsv
from knowledge.extract.scripts import SCRIPTS, narrowed, script_of_language

PAGE_S = 60.0
TOTAL_S = 2 * 3600.0
GIVE_UP_AFTER = 3  # pages in a row on which the program failed
MAX_LOOKS = 3  # poor pages of a document that are asked for their script
_DRAW = (sys.executable, "-m", "knowledge.extract.page_image")
_POOR = 60.0  # mean confidence (0 to 100); clean print has over 90, letters of another script 30
_SCRIPT_CONFIDENCE = 1.0


@dataclass(frozen=True)
class Tesseract:
    """The program and what it may read; `can_turn`: it can tell a page's orientation and script."""

    program: str
    languages: tuple[str, ...]
    can_turn: bool = False
    page_s: float = PAGE_S

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Return the beginnings of the commands that recognition runs."""
        return (_DRAW, (self.program,))

    def to_json(self) -> str:
        """Return it as one argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Tesseract:
        """Build from what `to_json` made."""
        value = json.loads(text)
        return cls(
            program=str(value["program"]),
            languages=tuple(str(language) for language in value["languages"]),
            can_turn=bool(value["can_turn"]),
            page_s=float(value["page_s"]),
        )


@dataclass(frozen=True)
class Reading:
    """The lines of a page; `unknown_script` is one it shows that no installed language is written in."""

    lines: list[str]
    unknown_script: str = ""


class PageFailed(Exception):
    """One page could not be drawn or recognised; the message is for the log."""


class PageTimedOut(PageFailed):
    """It took longer than a page may."""


class Recogniser:
    """Reads the pictures of one upload, and stops where the program fails or the time is used up."""

    def __init__(
        self, tesseract: Tesseract, aside: Callable[[float], AbstractContextManager[object]] = nullcontext
    ) -> None:
        """aside: asks the parent process for seconds on top of what parsing may take."""
        self._tesseract = tesseract
        self._aside = aside
        self._languages = tesseract.languages
        self._failures = self._looks = 0
        self._spent_s = 0.0

    @property
    def is_over(self) -> bool:
        """Tell that no more pages are read: too many failures in a row, or too much time."""
        return self._failures >= GIVE_UP_AFTER or self._spent_s + self._tesseract.page_s > TOTAL_S

    def read(self, pdf: bytes, index: int) -> Reading:
        """Return what page `index` (from 0) says.

        Raises: PageFailed.
        """
        started = time.monotonic()
        try:
            with self._aside(self._tesseract.page_s):
                reading = self._read(pdf, index, started + self._tesseract.page_s)
        except PageFailed:
            self._failures += 1
            raise
        finally:
            self._spent_s += time.monotonic() - started
        self._failures = 0
        return reading

    def _read(self, pdf: bytes, index: int, until: float) -> Reading:
        picture = _run((*_DRAW, str(index)), pdf, until)
        page = self._recognise(picture, self._languages, until)
        if self._languages == self._tesseract.languages:
            # Fewer languages are faster and confuse less; a page of other letters gets them all again.
            self._languages = narrowed(self._tesseract.languages, page.letters)
            if self._languages != self._tesseract.languages:
                page = self._recognise(picture, self._languages, until)
        elif page.confidence < _POOR:
            page = max(page, self._recognise(picture, self._tesseract.languages, until), key=_worth)
        script = self._unknown_script(picture, until) if page.confidence < _POOR else ""
        # What was read of letters it does not know only looks like text.
        return Reading([] if script else page.lines, script)

    def _recognise(self, picture: bytes, languages: Sequence[str], until: float) -> RecognisedPage:
        layout = "1" if self._tesseract.can_turn else "3"
        command = [self._tesseract.program, "stdin", "stdout", "-l", "+".join(languages)]
        command += ["--psm", layout, "-c", "tessedit_create_tsv=1"]
        return from_tsv(_run(command, picture, until).decode("utf-8", "replace"))

    def _unknown_script(self, picture: bytes, until: float) -> str:
        """Return the script of a picture if none of the languages is written in it."""
        if not self._tesseract.can_turn or self._looks >= MAX_LOOKS:
            return ""
        self._looks += 1
        try:
            said = _run(
                [self._tesseract.program, "stdin", "stdout", "--psm", "0", "-l", "osd"], picture, until
            )
        except PageFailed:  # too few letters to tell
            return ""
        facts = _facts(said.decode("utf-8", "replace"))
        script = SCRIPTS.get(facts.get("Script", ""), "")
        readable = {script_of_language(language) for language in self._tesseract.languages}
        is_sure = _number(facts.get("Script confidence")) >= _SCRIPT_CONFIDENCE
        return script if is_sure and script not in readable else ""


def _facts(said: str) -> dict[str, str]:
    """Read lines like "Script: Latin"."""
    parted = (line.partition(":") for line in said.splitlines())
    return {name.strip(): value.strip() for name, colon, value in parted if colon}


def _worth(page: RecognisedPage) -> float:
    return page.confidence * sum(page.letters.values())


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _run(command: Sequence[str], given: bytes, until: float) -> bytes:
    """Run a program of ours on `given` and return what it wrote. Raises: PageFailed."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the program comes from the site's own settings
            command,
            input=given,
            capture_output=True,
            timeout=max(0.1, until - time.monotonic()),
            # More threads make Tesseract slower, and take processors from the chats.
            env={"LANG": "C.UTF-8", "PYTHONUTF8": "1", "OMP_THREAD_LIMIT": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise PageTimedOut(f"{command[0]}: no end after {exc.timeout:.0f} s") from exc
    except OSError as exc:
        raise PageFailed(f"{command[0]}: {exc}") from exc
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise PageFailed(f"{command[0]}: exit {done.returncode}: {said}")
    return done.stdout
