"""What a changed document lost: text, pages, numbers, tables, a language. Pure.

Whoever edits a document rewords, adds, moves or takes out a section; a file that was read badly loses
text in other ways: more of it, from its end, by the page, or all of a kind.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from knowledge.language import detect
from knowledge.releases.changes import ChangeKind
from knowledge.releases.findings import Finding
from knowledge.releases.pairs import Pair, Side, sentences_of
from knowledge.tokens import words

MOST_LOST: Final = 0.35  # share of a document's words that may go without a word
TAIL_LOST: Final = 0.08  # share from which a missing end counts
PAGES_LOST: Final = 0.1
FEWEST_WORDS: Final = 25  # below, there is too little to tell
KEPT_NUMBERS: Final = 0.6
FEWEST_NUMBERS: Final = 8
KEPT_ROWS: Final = 0.5
FEWEST_ROWS: Final = 3
LANGUAGE_SHARE: Final = 0.15

_NUMBER: Final = re.compile(r"\d[\d.,:/\u066b\u066c-]*")
_ROW: Final = re.compile(r"^[^:;\n]{1,80}: [^;\n]+; [^:;\n]{1,80}: ", re.MULTILINE)


def find_losses(pair: Pair, standing: frozenset[str]) -> list[Finding]:
    """Tell what of the document's text is gone. standing: what all changed documents say in the draft."""
    if pair.is_new or pair.kind is ChangeKind.EDITED:
        return []
    lost = lost_sentences(pair, standing)
    share = _share_lost(pair, lost)
    found = list(_pages(pair, set(lost)))
    if share >= MOST_LOST:
        found.append(_finding(pair, "text_lost", percent=round(100 * share)))
    elif share >= TAIL_LOST and _is_cut_off(pair, set(lost)):
        found.append(_finding(pair, "cut_off", percent=round(100 * share)))
    staying = _staying(pair, standing)
    return [*found, *_numbers(pair, staying, share), *_tables(pair, staying), *_languages(pair, staying)]


def all_sentences(pairs: Iterable[Pair]) -> frozenset[str]:
    """Collect what the changed documents say in the draft: text that was moved is among it."""
    return frozenset(text for one in pairs for text in one.read.sentences)


def lost_sentences(pair: Pair, standing: frozenset[str]) -> list[str]:
    """List the release's sentences that the draft has nowhere word for word."""
    body = " ".join(pair.read.sentences)
    return [text for text in pair.before.sentences if text not in standing and text not in body]


def _staying(pair: Pair, standing: frozenset[str]) -> Side:
    """What the release had of it without the chunks that were moved to another document."""
    own = set(pair.read.sentences)

    def is_moved(text: str) -> bool:
        said = list(sentences_of(text))
        return all(one in standing for one in said) and not any(one in own for one in said)

    return Side(tuple(piece for piece in pair.before.pieces if not is_moved(piece.text)), pair.before.pages)


def _share_lost(pair: Pair, lost: Sequence[str]) -> float:
    """Share of the words that are gone; what was reworded has left most of its words in new sentences."""
    total = sum(len(words(text)) for text in pair.before.sentences)
    if total < FEWEST_WORDS:
        return 0.0
    standing = set(pair.before.sentences)
    pool = Counter(word for text in pair.read.sentences if text not in standing for word in words(text))
    gone = 0
    for text in lost:
        for word in words(text):
            if pool[word] > 0:
                pool[word] -= 1
            else:
                gone += 1
    return gone / total


def _is_cut_off(pair: Pair, lost: set[str]) -> bool:
    """Say whether the end is missing, in the middle of a sentence or by several sections."""
    end = pair.before.sentences[-round(1.25 * len(lost)) - 1 :]  # a few of them may stand elsewhere as well
    if len(lost) < 2 or sum(text in lost for text in end) < 0.8 * len(lost):
        return False
    last = pair.read.sentences[-1] if pair.read.sentences else ""
    is_mid_sentence = any(text != last and text.startswith(last) for text in lost) if last else False
    kept = {piece.heading for piece in pair.read.pieces}
    gone = list(dict.fromkeys(p.heading for p in pair.before.pieces if p.heading not in kept))
    return is_mid_sentence or len(gone) >= 2 or not any(piece.heading for piece in pair.before.pieces)


def _pages(pair: Pair, lost: set[str]) -> Iterator[Finding]:
    """Name pages whose text is gone: the file has them still, or a good part of the file is missing."""
    if not pair.before.pages:
        return
    before = _by_page(pair.before)
    gone = [page for page, said in before.items() if sum(text in lost for text in said) > 0.8 * len(said)]
    with_text = {piece.page for piece in pair.read.pieces}
    empty = [page for page in before if page not in with_text and page <= (pair.read.pages or 0)]
    if empty or len(gone) >= max(2, PAGES_LOST * len(before)):
        named = gone or empty
        yield _finding(pair, "pages_lost", pages=len(named), first=named[0])


def _by_page(side: Side) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    pages = {piece.page for piece in side.pieces if piece.page}
    for page in sorted(pages):
        part = Side(tuple(piece for piece in side.pieces if piece.page == page))
        found[page] = list(part.sentences)
    return found


def _numbers(pair: Pair, staying: Side, share: float) -> Iterator[Finding]:
    """Figures that were there and are not, though the words around them are."""
    before, after = (len(_NUMBER.findall(side.text)) for side in (staying, pair.read))
    if before >= FEWEST_NUMBERS and after < KEPT_NUMBERS * before * (1 - share):
        yield _finding(pair, "numbers_lost", before=before, after=after)


def _tables(pair: Pair, staying: Side) -> Iterator[Finding]:
    before, after = (len(_ROW.findall(side.text)) for side in (staying, pair.read))
    if before >= FEWEST_ROWS and after < KEPT_ROWS * before:
        yield _finding(pair, "tables_lost", before=before, after=after)


def _languages(pair: Pair, staying: Side) -> Iterator[Finding]:
    before, after = (Counter(detect(piece.text) for piece in side.pieces) for side in (staying, pair.read))
    total = sum(before.values())
    for language, count in before.items():
        if language and count >= max(2, LANGUAGE_SHARE * total) and not after[language]:
            yield _finding(pair, "language_lost", language=language)


def _finding(pair: Pair, code: str, **params: str | int | float) -> Finding:
    return Finding(code, str(pair.document.pk), str(pair.document), params)
