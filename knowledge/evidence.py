"""What speaks for the passages holding the answer: a few plain signs, 0–1. Pure.

Signs of the words (how much of the question stands in one passage, in two sentences, anywhere), of the word
index's own score, of the vectors, and of both together. `confidence.py` weighs them.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from knowledge.lexical_row import K1, MIN_WEIGHT
from knowledge.question_words import asking_words
from knowledge.sentences import split_sentences
from knowledge.tokens import Matcher, has_no_spaces, is_part, normalise, token_worth, units

ASKING_WEIGHT: Final = 0.1  # of "how many", beside what is asked about
READ: Final = 5  # passages looked at
SENTENCES: Final = 4  # of a question, weighed one by one
NEAREST: Final = 3  # of them, those that may hold the answer
SCORED: Final = 10  # of the word index's hits
LONG_WORD: Final = 10  # letters
SMALL: Final = 80  # chunks: below, BM25 knows too little of how rare a token is
USUAL_BM25: Final = 0.5  # of the coverage, where it does
WORTH_ASKING: Final = 0.15  # of the question's weight: a sentence with less asks nothing by itself
SEEN: Final = 0.05  # coverage below which nothing is compared with it
OTHERS: Final = 50  # chunks about something else, added in thought: one document's words are not common ones


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs, each 0–1. A token weighs the more, the fewer chunks hold it.

    coverage: share of the question's weight in one of the best passages. words: of its words, each as far as
    its best part stands there. unseen: of its words that no passage holds. mean: of the coverage of all
    passages. sentence, pair: of one sentence, of two neighbouring ones. adjacent: neighbouring words that are
    neighbours there too. third: weight of the third heaviest word found, beside
    the most that a word can weigh. bm25: the best score, beside its
    possible maximum. focus: share of the best scores that one document has. dense: cosine of the nearest
    passage, as far as the embedding model knows the language (known); partly: 1 where it
    half does, 0 where it does well or not at all. agreement: 1 where the words' first
    is the vectors' first, less further down. length: of the question's words. unspaced: share of words that
    are pieces of a script without spaces.
    """

    coverage: float = 0.0
    words: float = 0.0
    unseen: float = 1.0
    mean: float = 0.0
    sentence: float = 0.0
    pair: float = 0.0
    adjacent: float = 0.0
    third: float = 0.0
    bm25: float = 0.0
    focus: float = 0.0
    dense: float = 0.0
    known: float = 0.0
    partly: float = 0.0
    agreement: float = 0.0
    length: float = 0.0
    unspaced: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, as far as it is evidence.

    texts: of the best passages with title and heading, best first; bodies: without. scores: the word index's
    best first, each with its document. place: of the words' first among the vectors' hits, from 0; None where
    they lack it. nearest: the best cosine. known: how far the embedding model knows the language, 0–1.
    """

    texts: Sequence[str]
    bodies: Sequence[str]
    scores: Sequence[tuple[float, object]]
    place: int | None
    nearest: float
    known: float


class Question:
    """A question's words with their weights; those that only ask count little."""

    def __init__(self, text: str, matcher: Matcher) -> None:
        """matcher: of the same text."""
        self._text = text
        self._order = [word for word, _more in units(text)]
        self._units = dict(units(text))
        asking = asking_words(self._units)
        content = {part for word, more in self._units.items() if word not in asking for part in (word, *more)}
        self._matcher = matcher
        self._chunks = max(0.0, math.expm1(matcher.heaviest) / 2 - 0.5)
        self._weights = {
            token: _smooth(weight, token, self._chunks) * (1.0 if token in content else ASKING_WEIGHT)
            for token, weight in matcher.weights.items()
        }
        self._most = _most_bm25(matcher.weights, content)
        self._heaviest = math.log1p((self._chunks + OTHERS) * 2 + 1)
        self._total = sum(self._weights.values()) or 1.0
        self._of_words = sum(self._weight(word) for word in self._units) or 1.0

    def weigh_best(self, found: Found) -> list[Evidence]:
        """Weigh what was found for the whole question, and for each of its sentences that asks something.

        People tell what it is about, ask, and thank; one answered sentence is enough.
        """
        whole = self.weigh(found)
        texts = [self._text[start:end] for start, end in split_sentences(self._text)]
        parts = [Question(text, self._matcher.narrowed(text)) for text in texts] if len(texts) > 1 else []
        asking = [part for part in parts[:SENTENCES] if part._total >= WORTH_ASKING * self._total]
        return [whole, *(_with_bm25_of(whole, part.weigh(found)) for part in asking)]

    def about(self, text: str) -> float:
        """Share of what the question asks about that a text holds, 0–1."""
        return self._cover(self._matcher.held(text))

    def weigh(self, found: Found) -> Evidence:
        """Weigh what was found."""
        held = [self._matcher.held(text) for text in found.texts[:READ]]
        covered = [self._cover(tokens) for tokens in held]
        coverage = max(covered[:NEAREST], default=0.0)
        shares = self._shares(held[covered.index(coverage)] if held else set())
        parts = sorted((self._weight(word) * share for word, share in shares.items()), reverse=True)
        sentence, pair = self._sentences(found.bodies[:NEAREST])
        return Evidence(
            coverage=coverage,
            words=sum(parts) / self._of_words,
            unseen=1 - self._share_of_words(set().union(*held)),
            mean=sum(covered) / READ,
            sentence=sentence,
            pair=pair,
            adjacent=self._adjacent(found.texts[:NEAREST]),
            third=min(1.0, parts[2] / self._heaviest) if len(parts) > 2 else 0.0,
            bm25=self._bm25(found.scores, coverage),
            focus=_focus(found.scores[:SCORED]),
            dense=max(0.0, found.nearest) * found.known,
            known=found.known,
            partly=4 * found.known * (1 - found.known),
            agreement=0.0 if found.place is None else 1 / (1 + found.place),
            length=sum(map(len, self._units)) / (len(self._units) or 1) / LONG_WORD,
            unspaced=sum(map(has_no_spaces, self._units)) / (len(self._units) or 1),
        )

    def _bm25(self, scores: Sequence[tuple[float, object]], coverage: float) -> float:
        """Compare the best score with its possible maximum; in a small index rather guess it."""
        trust = min(1.0, self._chunks / SMALL)
        best = min(1.0, scores[0][0] / self._most) if scores else 0.0
        return trust * best + (1 - trust) * USUAL_BM25 * coverage

    def _weight(self, word: str) -> float:
        return self._weights.get(word, 0.0)

    def _cover(self, held: set[str]) -> float:
        return sum(self._weights[token] for token in held) / self._total

    def _share_of_words(self, held: set[str]) -> float:
        return sum(self._weight(word) * share for word, share in self._shares(held).items()) / self._of_words

    def _shares(self, held: set[str]) -> dict[str, float]:
        """Tell of each word how far it is there: whole or by its stem 1, else the share of its pieces."""
        return {word: _share(word, more, held) for word, more in self._units.items()}

    def _sentences(self, bodies: Sequence[str]) -> tuple[float, float]:
        """Find the coverage of the best sentence, and of the best two neighbours."""
        best = both = 0.0
        for body in bodies:
            held = [self._matcher.held(body[start:end]) for start, end in split_sentences(body)]
            best = max([best, *map(self._cover, held)])
            both = max([both, *(self._cover(one | other) for one, other in pairwise(held))])
        return best, max(best, both)

    def _adjacent(self, texts: Sequence[str]) -> float:
        """Share of neighbouring words, by the lighter one's weight, that stand so in a passage."""
        folded = [normalise(text) for text in texts]
        total = there = 0.0
        for one, other in pairwise(self._order):
            weight = min(self._weight(one), self._weight(other))
            joined = one + other[-1:] if has_no_spaces(one) else f"{one} {other}"
            total += weight
            there += weight if any(joined in text for text in folded) else 0.0
        return there / total if total else 0.0


def _share(word: str, more: Sequence[str], held: set[str]) -> float:
    if word in held or any(token in held for token in more if not is_part(token)):
        return 1.0
    pieces = [token for token in more if is_part(token)]
    return sum(token in held for token in pieces) / len(pieces) if pieces else 0.0


def _smooth(weight: float, token: str, chunks: float) -> float:
    """Weigh a token as if the index held OTHERS more chunks, none with it. Weights are log(1 + odds)."""
    worth = token_worth(token)
    odds = math.expm1(min(weight / worth, 700.0))
    holding = max(0.0, (chunks + 0.5 - 0.5 * odds) / (1 + odds))
    return worth * math.log1p((chunks + OTHERS - holding + 0.5) / (holding + 0.5))


def _with_bm25_of(whole: Evidence, part: Evidence) -> Evidence:
    """Give a part its share of the whole question's BM25: by coverage; the index is not asked again."""
    return replace(part, bm25=min(1.0, whole.bm25 * part.coverage / max(whole.coverage, SEEN)))


def _most_bm25(weights: Mapping[str, float], content: Collection[str]) -> float:
    """Bound what BM25 can give; asking words count little. Weights are log(1 + odds), BM25's log(odds)."""
    most = 0.0
    for token, weight in weights.items():
        odds = math.expm1(min(weight / token_worth(token), 700.0))
        share = 1.0 if token in content else ASKING_WEIGHT
        most += share * max(MIN_WEIGHT, math.log(max(odds, MIN_WEIGHT)))
    return (K1 + 1) * most or 1.0


def _focus(scores: Sequence[tuple[float, object]]) -> float:
    """Share of the best scores that the first one's document has."""
    total = sum(score for score, _document in scores)
    return sum(score for score, document in scores if document == scores[0][1]) / total if total else 0.0
