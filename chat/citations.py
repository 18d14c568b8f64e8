"""Citations in model text: invented ones are taken out while it streams, the rest are found again.

A [n] counts only in plain text: never in code or mathematics, never as the text of a link.
"""

import re
from collections.abc import Sequence

from chat.events import CitationItem, SourceItem
from chat.markup import CITATION

_GROUP = re.compile(r"\[\s*\^?\d{1,3}(?:\s*[,;\-–]\s*\^?\d{1,3})*\s*\]|【\s*\d{1,3}(?:†[^】]*)?\s*】")
_PART = re.compile(r"(\d{1,3})(?:\s*[-–]\s*\^?(\d{1,3}))?")
_CLOSER = {"[": "]", "【": "】"}
_FENCE_START = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")
_MAX_GROUP_CHARS = 60
_MAX_RANGE = 20
_FORMULA_CHARS = 200
_LINE_CHARS = 80
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}»”\n。，、؟،؛")


def citations(text: str, sources: Sequence[SourceItem]) -> list[CitationItem]:
    """Return every [n] of a source in a finished text, in order.

    Units: start and end in code points.
    """
    documents = {source["n"]: source["document"] for source in sources}
    context, found, end = _Context(), [], 0
    for start, char in enumerate(text):
        is_plain = context.step(char)
        match = CITATION.match(text, start) if is_plain and char == "[" and start >= end else None
        if match is not None and int(match[1]) in documents:
            n, end = int(match[1]), match.end()
            found.append(CitationItem(n=n, document=documents[n], start=start, end=end))
    return found


class CitationFilter:
    """Takes citations of sources that do not exist out of a stream, and writes the others as [n].

    It knows [7], [1, 9], [2-4], [^2], 【3】 and holds back only what could still become one, with the
    space before it. `removed` counts the numbers taken out.
    """

    def __init__(self, source_count: int, *, after: str = "") -> None:
        """Accept the numbers 1 to source_count. after: what was shown before the stream begins."""
        self.removed = 0
        self._count = source_count
        self._context = _Context()
        self._space = ""
        self._open = ""
        self._closed = ""
        self._has_gap = False
        self._last = after[-1:] or "\n"
        for char in after:
            self._context.step(char)

    def feed(self, delta: str) -> str:
        """Return what can be shown once the delta is here."""
        out: list[str] = []
        for char in delta:
            self._take(char, out)
        return "".join(out)

    def finish(self) -> str:
        """Return what was held back; nothing follows."""
        out: list[str] = []
        self._settle("", out)
        self._write(("" if self._has_gap else self._space) + self._open, out)
        self._space = self._open = ""
        return "".join(out)

    def _take(self, char: str, out: list[str]) -> None:
        is_plain = self._context.step(char)
        if self._open and self._extends(char, out):
            return
        self._settle(char, out)
        if is_plain and char in _CLOSER:
            self._open = char
        elif is_plain and char == " ":
            if self._has_gap:
                self._space, self._has_gap = "", False
                if self._last == "\n":
                    return
            self._space += char
        else:
            space = "" if self._has_gap and char in _NO_SPACE_BEFORE else self._space
            self._has_gap, self._space = False, ""
            self._write(space + char, out)

    def _extends(self, char: str, out: list[str]) -> bool:
        """Let the open bracket grow; False: it is none of ours, and `char` is still to be taken."""
        bracket, grown = self._open[0], self._open + char
        if char == _CLOSER[bracket]:
            self._open = ""
            numbers = _numbers(grown)
            if len(numbers) == 1 and grown == f"[{numbers[0]}]" and numbers[0] <= self._count:
                self._release(grown, out)
            elif numbers:
                self._closed = grown
            else:
                self._release(grown, out)
            return True
        is_viable = char != "\n" if bracket == "【" else char in "0123456789^,;-– " and grown[1] not in ",;-–"
        if is_viable and len(grown) < _MAX_GROUP_CHARS:
            self._open = grown
            return True
        held, self._open = self._open, ""
        self._release(held, out)
        return False

    def _settle(self, following: str, out: list[str]) -> None:
        """Decide about a whole bracket now that the next character ("" = the end) is known."""
        if not self._closed:
            return
        group, self._closed = self._closed, ""
        if following == "(":
            self._release(group, out)
            return
        numbers = _numbers(group)
        kept = [n for n in numbers if n <= self._count]
        self.removed += len(numbers) - len(kept)
        if kept:
            self._release("".join(f"[{n}]" for n in kept), out)
        else:
            self._has_gap = True

    def _release(self, text: str, out: list[str]) -> None:
        self._write(self._space + text, out)
        self._space, self._has_gap = "", False

    def _write(self, text: str, out: list[str]) -> None:
        if text:
            self._last = text[-1]
            out.append(text)


def _numbers(group: str) -> list[int]:
    """Return the numbers a bracket cites, each once; none where it is no citation ([0], [5-2])."""
    if not _GROUP.fullmatch(group):
        return []
    numbers: list[int] = []
    for first, last in _PART.findall(group.partition("†")[0]):
        start, end = int(first), int(last or first)
        if start == 0 or not start <= end <= start + _MAX_RANGE:
            return []
        numbers += range(start, end + 1)
    return list(dict.fromkeys(numbers))


class _Context:
    """Follows a text character by character: is this one plain text, or code or mathematics?

    Leans towards code: what is opened and not closed counts until its paragraph ends.
    """

    def __init__(self) -> None:
        self._line = ""  # how the line begins
        self._tail = ""  # the last two characters, as far as they can still open or close something
        self._run = ""
        self._run_starts_line = False
        self._fence = ""
        self._closer = ""
        self._formula_chars = 0

    def step(self, char: str) -> bool:
        """Take the next character and return whether it is plain text."""
        if self._run and char != self._run[0]:
            self._end_run()
        is_plain = False
        if char == "\n":
            self._end_line()
            return True
        if not self._fence:
            if char in "`~" and (self._closer[:1] in ("", "`")) and self._tail[-1:] != "\\":
                self._grow_run(char)
            elif self._closer:
                self._inside(char)
            else:
                is_plain = self._outside(char)
        if len(self._line) < _LINE_CHARS:
            self._line += char
        return is_plain

    def _grow_run(self, char: str) -> None:
        if not self._run:
            self._run_starts_line = _FENCE_START.fullmatch(self._line) is not None
        self._run += char
        self._tail = ""

    def _outside(self, char: str) -> bool:
        before, self._tail = self._tail, (self._tail + char)[-2:]
        if before[-1:] == "\\":
            self._closer = {"(": "\\)", "[": "\\]"}.get(char, "")
            self._tail = ""
            return False
        if before[-1:] == "$":
            is_formula = not (char.isspace() or char.isdigit() or before[:-1].isalnum())
            self._closer = "$$" if char == "$" else "$" if is_formula else ""
            self._formula_chars = 0
        return not self._closer

    def _inside(self, char: str) -> None:
        pair, self._tail = self._tail[-1:] + char, char
        self._formula_chars += 1
        if self._closer == "$":
            has_ended = (char == "$" and pair != "\\$") or self._formula_chars > _FORMULA_CHARS
        else:
            has_ended = pair == self._closer and self._formula_chars > 1
        if has_ended:
            self._closer = self._tail = ""

    def _end_run(self) -> None:
        run, self._run = self._run, ""
        if self._closer:
            self._closer = "" if self._closer == run else self._closer
        elif len(run) >= 3 and self._run_starts_line:
            self._fence, self._line = run, "opening line"
        elif run[0] == "`":
            self._closer = run

    def _end_line(self) -> None:
        written = self._line.strip(" \t>\r")
        if self._fence:
            if written.startswith(self._fence) and not written.strip(self._fence[0]):
                self._fence = ""
        elif self._closer == "$" or not written:
            self._closer = ""
        self._line = self._tail = ""
