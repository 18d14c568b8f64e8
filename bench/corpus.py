"""Made-up documents for the benchmarks of knowledge: the same for the same seed, in English and Hebrew.

The words are common ones, with the frequencies that words have (Zipf); about a third are compounds of two of
them, so that the vocabulary has tens of thousands of words as a real site's has. They say nothing:
what is measured on them is speed, never quality.
"""

import itertools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WORDS: Final = Path(__file__).parent / "words"
LANGUAGES: Final = {
    "en": (WORDS / "english.txt").read_text(encoding="utf-8").split(),
    "he": (WORDS / "hebrew.txt").read_text(encoding="utf-8").split(),
}
COMPOUNDS: Final = 0.35  # of the running words
RANKS: Final = 20_000  # compounds a seed has


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    words: list[str]
    weights: list[float]
    compounds: list[str]
    compound_weights: list[float]


class Corpus:
    """Writes sentences and documents; one seed, one text."""

    def __init__(self, seed: int = 1) -> None:
        """seed: of everything that will be written, in order."""
        self._random = random.Random(seed)
        self._vocabularies = {name: self._vocabulary(words) for name, words in LANGUAGES.items()}

    def sentence(self, language: str) -> str:
        """Write 6 to 22 words."""
        vocabulary = self._vocabularies[language]
        count = self._random.randint(6, 22)
        rare = sum(self._random.random() < COMPOUNDS for _ in range(count))
        words = self._random.choices(vocabulary.words, cum_weights=vocabulary.weights, k=count - rare)
        words += self._random.choices(vocabulary.compounds, cum_weights=vocabulary.compound_weights, k=rare)
        self._random.shuffle(words)
        return " ".join(words).capitalize() + "."

    def paragraph(self, language: str) -> str:
        """Write 3 to 9 sentences."""
        return " ".join(self.sentence(language) for _ in range(self._random.randint(3, 9)))

    def document(self, language: str, size_bytes: int) -> str:
        """Write a Markdown document of about so many bytes of UTF-8, a heading every few paragraphs."""
        parts = [f"# {self.sentence(language)}"]
        size = 0
        while size < size_bytes:
            if len(parts) % 6 == 0:
                parts.append(f"## {self.sentence(language)}")
            parts.append(self.paragraph(language))
            size += len(parts[-1].encode()) + 2
        return "\n\n".join(parts) + "\n"

    def question(self, text: str) -> str:
        """Ask in some words of a text, as many as people type."""
        words = text.replace(".", "").split()
        first = self._random.randrange(max(1, len(words) - 12))
        near = words[first : first + 12]
        return " ".join(self._random.sample(near, min(len(near), self._random.randint(4, 9)))) + "?"

    def _vocabulary(self, words: list[str]) -> _Vocabulary:
        pairs = ["".join(pair) for pair in itertools.product(words, words)]
        compounds = self._random.sample(pairs, min(RANKS, len(pairs)))
        return _Vocabulary(words, _zipf(len(words)), compounds, _zipf(len(compounds)))


def _zipf(count: int) -> list[float]:
    return list(itertools.accumulate(1 / (rank + 3) for rank in range(count)))
