"""Whether a text reads like the collection's other texts: encodings, letters, reading direction. Pure.

A word is strange when it holds three letters in a row that no other document has. Good text has few
such words even in a document about something new; recognition that went wrong makes them by the dozen.
What is usual is measured on the release itself, each document against the others.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from knowledge.language import detect
from knowledge.releases.findings import Finding
from knowledge.releases.pairs import Pair
from knowledge.tokens import normalise, words

FEWEST_WORDS: Final = 25
MARGIN: Final = 0.17  # strange words beyond what is usual
ALTERED: Final = 0.12  # strange words where most of a text merely changed its letters
USUAL: Final = 0.15  # where there are too few documents to measure
FLOOR: Final = 0.05
FEWEST_DOCUMENTS: Final = 5
FEWEST_IN_LANGUAGE: Final = 3
FEWEST_GRAMS: Final = 1_500
TELLS_NOTHING: Final = 0.35  # where good texts share this few words, a strange word says nothing
BROKEN_PER_LETTER: Final = 0.003
SHATTERED: Final = 0.35  # of the words are single letters
FEWEST_FINALS: Final = 3
IMPOSSIBLE: Final = 0.1

Grams = frozenset[str]
_NONE: Final = Grams()

_BROKEN: Final = re.compile(
    "[\ufffd\u0080-\u009f\ue000-\uf8ff\x00-\x08\x0e-\x1f]"
    "|[ÃÂÐÑ×ØÙ][\u00a0-\u00bf\u0152-\u0192\u02c6-\u02dc\u2013-\u2122]|â€|ï»¿"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_FINAL: Final = "םןףץךةى"  # letters that end words, and never begin one
_RUN: Final = re.compile(r"[^\W_]+")
_IMPOSSIBLE: Final = re.compile(rf"[{_FINAL}](?=[^\W\d_])|[^\W\d_][0-9](?=[^\W\d_])")
_SPACELESS: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The letters a collection writes its words with. grams: in how many documents each stands.

    members: ids of the documents. usual: share of strange words one of them has, as seen from the others.
    """

    grams: Counter[str]
    languages: frozenset[str]
    members: frozenset[str]
    usual: float

    @property
    def is_rich(self) -> bool:
        """Whether a word unknown to it says something."""
        is_large = len(self.members) >= FEWEST_DOCUMENTS and len(self.grams) >= FEWEST_GRAMS
        return is_large and self.usual <= TELLS_NOTHING

    def share_strange(self, texts: Iterable[str], own: Grams = _NONE, known: Grams = _NONE) -> float:
        """Share of the words with letters in a row that nobody has, or `own` alone; `known` ones aside."""
        strange = total = 0
        for text in texts:
            for word in words(text):
                if word.isdecimal():
                    continue
                total += 1
                fresh = _grams(word) - known
                strange += any(self.grams[gram] - (gram in own) <= 0 for gram in fresh)
        return strange / total if total >= FEWEST_WORDS else 0.0


def build_vocabulary(documents: Mapping[str, str]) -> Vocabulary:
    """Learn from the texts of documents, by id."""
    owned = [_grams_of(text) for text in documents.values()]
    grams = Counter(gram for own in owned for gram in own)
    spoken = Counter(detect(text) for text in documents.values())
    languages = frozenset(code for code, count in spoken.items() if code and count >= FEWEST_IN_LANGUAGE)
    learnt = Vocabulary(grams, languages, frozenset(documents), USUAL)
    if len(documents) < FEWEST_DOCUMENTS:
        return learnt
    shares = (learnt.share_strange([text], own) for text, own in zip(documents.values(), owned, strict=True))
    return replace(learnt, usual=max(FLOOR, statistics.median(shares)))


def find_illegible(pair: Pair, vocabulary: Vocabulary) -> list[Finding]:
    """Tell what of the document's new text cannot be read."""
    standing = set(pair.before.sentences)
    fresh = [text for text in pair.after.sentences if text not in standing]
    if not fresh:
        return []
    found = [*_encoding(pair), *_direction(pair, fresh), *_shattered(pair, fresh), *_impossible(pair, fresh)]
    return found or list(_strange(pair, fresh, vocabulary))


def _strange(pair: Pair, fresh: Sequence[str], vocabulary: Vocabulary) -> Iterator[Finding]:
    is_known = detect(" ".join(fresh)) in vocabulary.languages | {""}
    if pair.is_new and not (is_known and vocabulary.is_rich):
        return  # too little here is written in this language yet
    is_member = pair.is_new and str(pair.document.pk) in vocabulary.members
    own = _grams_of(pair.after.text) if is_member else _NONE
    share = vocabulary.share_strange(fresh, own, _grams_of(pair.before.text))
    standing = set(pair.after.sentences)
    kept = sum(text in standing for text in pair.before.sentences)
    is_altered = not pair.is_new and kept < 0.5 * len(pair.before.sentences)
    limit = ALTERED if is_altered and vocabulary.is_rich else vocabulary.usual + MARGIN
    if share > limit:
        yield _finding(pair, "strange_words", percent=round(100 * share), usual=round(100 * vocabulary.usual))


def _encoding(pair: Pair) -> Iterator[Finding]:
    before, after = (
        len(_BROKEN.findall(side.text)) / max(1, sum(map(str.isalpha, side.text)))
        for side in (pair.before, pair.after)
    )
    if after > BROKEN_PER_LETTER and after > 3 * before:
        yield _finding(pair, "wrong_encoding")


def _direction(pair: Pair, fresh: Sequence[str]) -> Iterator[Finding]:
    found = _WORD.findall(" ".join(fresh))
    first = sum(word[0] in _FINAL for word in found if len(word) > 1)
    last = sum(word[-1] in _FINAL for word in found if len(word) > 1)
    if first >= FEWEST_FINALS and first > 2 * last:
        yield _finding(pair, "backwards")


def _impossible(pair: Pair, fresh: Sequence[str]) -> Iterator[Finding]:
    """Tell of words no language writes: letters that only end words within them, digits between letters."""
    found = [word for word in _RUN.findall(" ".join(fresh)) if len(word) > 2]
    wrong = sum(bool(_IMPOSSIBLE.search(word)) for word in found)
    if len(found) >= FEWEST_WORDS and wrong > IMPOSSIBLE * len(found):
        yield _finding(pair, "impossible_words", percent=round(100 * wrong / len(found)))


def _shattered(pair: Pair, fresh: Sequence[str]) -> Iterator[Finding]:
    found = [word for word in _WORD.findall(" ".join(fresh)) if not _SPACELESS.match(word)]
    singles = sum(len(word) == 1 for word in found)
    if len(found) >= FEWEST_WORDS and singles > SHATTERED * len(found):
        yield _finding(pair, "shattered", percent=round(100 * singles / len(found)))


def _grams_of(text: str) -> Grams:
    return Grams(gram for word in words(text) for gram in _grams(word))


def _grams(word: str) -> set[str]:
    """Letters in a row, with where the word begins and ends; a long run is not one word."""
    if len(word) < 3 and _SPACELESS.match(word):
        return {word}
    edged = f"^{normalise(word)}$"
    return {edged[start : start + 3] for start in range(len(edged) - 2)}


def _finding(pair: Pair, code: str, **params: str | int | float) -> Finding:
    return Finding(code, str(pair.document.pk), str(pair.document), params)
