"""Holds a model to what it was given: each sentence cites a passage that says so, or it goes. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from knowledge.sentences import split_sentences
from knowledge.summaries.notes import split_citations, with_citations, without_marks
from knowledge.tokens import index_tokens

SUPPORTED: Final = 0.5  # of a sentence's word tokens found in a passage it does not name
SUPPORTED_AS_CITED: Final = 0.35  # … in one that it names
MAX_NUMBERS: Final = 3

_MARK: Final = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")
_EMPHASIS: Final = re.compile(r"\*\*|__|`+")
_LETTER: Final = re.compile(r"[^\W\d_]")


class Checker:
    """Takes a model's words as they come, and gives back whole sentences that the passages support.

    Lines that begin with a list mark stay list items ("- "), other lines become paragraphs. Headings go.
    """

    def __init__(self, passages: Sequence[str]) -> None:
        """passages: what [1], [2], … stand for."""
        self._passages = [frozenset(index_tokens(passage)) for passage in passages]
        self._waiting = ""
        self._written = ""

    def feed(self, delta: str) -> str:
        """Return what can be shown once the delta is here."""
        self._waiting += delta
        spans = split_sentences(self._waiting)
        if len(spans) < 3:  # the one after a sentence may begin with its citation
            return ""
        return self._take(spans, len(spans) - 2)

    def finish(self, *, is_whole: bool = True) -> str:
        """Return what is left. is_whole: False where the model was cut off in the middle of a sentence."""
        spans = split_sentences(self._waiting)
        return self._take(spans, len(spans) if is_whole else max(0, len(spans) - 1))

    def _take(self, spans: Sequence[tuple[int, int]], count: int) -> str:
        out, done, text = [], 0, self._waiting
        for at in range(count):
            start, end = spans[at]
            if start < done:  # its beginning, a citation, went with the sentence before
                start = min(done, end)
            gap, sentence = text[done:start], text[start:end]
            done = end
            if at + 1 < len(spans) and "\n" not in text[end : spans[at + 1][0]]:
                marks = re.match(r"\s*(?:\[[\d,;\s\-–^]{1,30}\]\s*)+", text[end:])
                if marks and not split_citations(sentence)[1]:
                    sentence, done = f"{sentence} {marks[0].strip()}", end + len(marks[0].rstrip())
            if checked := self.check(sentence):
                out.append(self._joined(gap, sentence, checked))
        self._waiting = text[done:]
        return "".join(out)

    def _joined(self, gap: str, sentence: str, checked: str) -> str:
        is_item = _MARK.match(sentence) is not None and ("\n" in gap or not self._written)
        if is_item:
            lead = "\n- " if self._written else "- "
        else:
            lead = "" if not self._written else "\n\n" if "\n" in gap else " "
        self._written = checked
        return lead + checked

    def check(self, sentence: str) -> str:
        """Return the sentence with the passages that support it, or nothing."""
        if sentence.startswith("#"):
            return ""
        body, numbers = split_citations(_EMPHASIS.sub("", _MARK.sub("", sentence)))
        body = without_marks(body)
        tokens = frozenset(index_tokens(body))
        if not tokens or not _LETTER.search(body):
            return ""
        covered = {n: len(tokens & have) / len(tokens) for n, have in enumerate(self._passages, start=1)}
        kept = [n for n in numbers if covered.get(n, 0.0) >= SUPPORTED_AS_CITED][:MAX_NUMBERS]
        if not kept:
            best = max(covered, key=lambda n: (covered[n], -n), default=0)
            kept = [best] if best and covered[best] >= SUPPORTED else []
        return with_citations(body, kept) if kept else ""
