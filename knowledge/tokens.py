"""The one tokeniser, for the word index, for sentence scores and for grounding. Pure.

A word gives itself and its character 4-grams, so that inflected forms still meet; Hebrew and Arabic
words also a light stem. Scripts written without spaces give bigrams (Chinese, Japanese, Korean) or
trigrams (Thai, Lao, Khmer, Burmese). Index tokens are ASCII, so that no database tokenises again.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

TOKENISER: Final = "2"  # raise it with any change of the tokens: word indexes are then made anew
CODE_WEIGHT: Final = 6.0  # E3 or M8 says more than the words around it
MAX_WORD_CHARS: Final = 40  # longer runs are data, not words
GRAM_CHARS: Final = 4
UNHELD: Final = "0x"  # a token that no chunk holds: it weighs as much as any can
_CODE: Final = re.compile(r"(?=\w*\d)(?=\w*[a-z])[a-z\d]{2,}")


def _mark_ranges() -> str:
    """Write every combining mark as a regular expression class: `\\w` splits words at them."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x1E950):
        if unicodedata.category(chr(code)) in {"Mn", "Mc"}:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_CJK: Final = (
    "\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_SPACELESS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_CJK_RUN: Final = re.compile(f"[{_CJK}]+")
_SPACELESS_RUN: Final = re.compile(f"[{_SPACELESS}]+")
_HEBREW: Final = "\u05d0-\u05ea"
_ARABIC: Final = "\u0620-\u06ff"
_IS_HEBREW: Final = re.compile(f"[{_HEBREW}]")
_IS_ARABIC: Final = re.compile(f"[{_ARABIC}]")
_RUN: Final = re.compile(f"(?:[^\\W_]|[{_mark_ranges()}])+")
# Direction and zero-width marks, soft hyphen, Hebrew points, Arabic vowel signs and tatweel.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
)
_IN_WORD_QUOTE: Final = re.compile(f"(?<=[{_HEBREW}])[\"'\u05f3\u05f4\u2019\u201d](?=[{_HEBREW}])")
_POSSESSIVE: Final = re.compile(r"(?<=[^\W_])['\u2019]s\b")
_FOLD: Final = str.maketrans("أإآٱىةکیךםןףץ", "اااايهكيכמנפצ")
_HEBREW_PREFIX: Final = re.compile("^(?:[וש]?[כ]?ש?[בלמכה]|[ושבלמכה])(?=..)")
_HEBREW_SUFFIX: Final = re.compile("(?<=...)(?:ימ|ות|יה|ית|ה|י|ת)$")
_ARABIC_PREFIX: Final = re.compile("^(?:[وف]?[بك]?ال|[وف]?لل|[وف](?=...))(?=...)")
_ARABIC_SUFFIX: Final = re.compile("(?<=...)(?:هما|هم|ها|ات|ون|ين|ان|يه|ه|ي|ا)$")


def normalise(text: str) -> str:
    """Fold what people write differently: width, case, invisible marks, vowel points, letter forms.

    The result is for comparing, not for showing; its length differs from the text's.
    """
    if text.isascii():  # nothing below but the possessive can apply
        return _POSSESSIVE.sub("", text.lower()) if "'" in text else text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _INVISIBLE.sub("", folded).translate(_FOLD)
    return _POSSESSIVE.sub("", _IN_WORD_QUOTE.sub("", folded))


def words(text: str) -> list[str]:
    """List the folded words in order, with repeats: what grounding and sentence scores compare.

    Scripts without spaces give their bigrams or trigrams.
    """
    return [word for word, _grams in units(text)]


def index_tokens(text: str) -> list[str]:
    """List the tokens of a text for the word index, in order, with repeats; each [0-9a-z]+."""
    return [encode(token) for word, more in units(text) for token in (word, *more)]


def query_tokens(text: str) -> list[str]:
    """List the distinct tokens of a question, as the word index has them, in order of appearance."""
    return list(dict.fromkeys(index_tokens(text)))


class Matcher:
    """Finds a question's tokens in texts, without taking the texts apart: for scoring many sentences."""

    def __init__(self, question: str, weigh: Callable[[Sequence[str]], Mapping[str, float]]) -> None:
        """weigh: what each index token says; tokens it leaves out are not looked for."""
        tokens = {encode(token): token for word, more in units(question) for token in (word, *more)}
        found = dict(weigh([UNHELD, *tokens]))
        self._table = dict(found)
        self.heaviest = found.pop(UNHELD, 1.0)
        weights = {tokens[name]: weight * token_worth(tokens[name]) for name, weight in found.items()}
        self.weights: Mapping[str, float] = weights
        self._parts = {token: weight for token, weight in weights.items() if is_part(token)}
        self._words = {token: weight for token, weight in weights.items() if token not in self._parts}
        self._total = sum(weights.values()) or 1.0

    def narrowed(self, part: str) -> "Matcher":
        """Return the matcher of a part of the question, with the same weights."""
        return Matcher(part, lambda names: {name: self._table[name] for name in names if name in self._table})

    def coverage(self, text: str) -> float:
        """Share of the question's weight that a text holds, 0–1."""
        return sum(self.weights[token] for token in self.held(text)) / self._total

    def held(self, text: str) -> set[str]:
        """List the question's tokens that a text holds."""
        folded = normalise(text)
        whole = set(_RUN.findall(folded))
        if not folded.isascii():
            whole.update([_stem(word) for word in whole])
        return {part for part in self._parts if part in folded} | (self._words.keys() & whole)


def token_worth(token: str) -> float:
    """Tell how often a token counts: E3 or M8 more than the words around it."""
    return CODE_WEIGHT if _CODE.fullmatch(token) else 1.0


def encode(token: str) -> str:
    """Write a token in ASCII letters and digits; what is ASCII already stays readable."""
    if token.isascii():
        return token
    return "0x" + token.encode("utf-16-be", "surrogatepass").hex()


def units(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each folded word with the further tokens that stand for it."""
    for match in _RUN.finditer(normalise(text)):
        run = match[0]
        if run.isascii():
            yield _word(run)
            continue
        for piece in _split_scripts(run):
            if _CJK_RUN.match(piece):
                yield from _cjk(piece)
            elif _SPACELESS_RUN.match(piece):
                yield from ((gram, ()) for gram in _grams(piece, 3))
            else:
                yield _word(piece)


def is_part(token: str) -> bool:
    """Tell tokens that may stand anywhere in a run from whole words."""
    return len(token) == GRAM_CHARS or has_no_spaces(token)


def has_no_spaces(token: str) -> bool:
    """Tell pieces of scripts that put no spaces between words."""
    return bool(_CJK_RUN.match(token) or _SPACELESS_RUN.match(token))


def _split_scripts(run: str) -> Iterable[str]:
    """Separate what is written without spaces from what stands beside it: "3月abc"."""
    return re.findall(f"[{_CJK}]+|[{_SPACELESS}]+|[^{_CJK}{_SPACELESS}]+", run)


def _cjk(run: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for index, character in enumerate(run):
        if index + 1 < len(run):
            yield run[index : index + 2], (character,)
        else:
            yield character, ()


def _word(run: str) -> tuple[str, tuple[str, ...]]:
    word = run[:MAX_WORD_CHARS]
    stem = _stem(word)
    more = _grams(word, GRAM_CHARS) if len(word) > GRAM_CHARS else []
    return word, tuple([stem, *more] if stem != word else more)


def _grams(run: str, size: int) -> list[str]:
    return [run[start : start + size] for start in range(max(1, len(run) - size + 1))]


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    """Take a Hebrew or Arabic word's clitics and endings off; other words stay as they are."""
    if len(word) < GRAM_CHARS or word.isascii():
        return word
    if _IS_HEBREW.match(word):
        return _HEBREW_SUFFIX.sub("", _HEBREW_PREFIX.sub("", word))
    if _IS_ARABIC.match(word):
        return _ARABIC_SUFFIX.sub("", _ARABIC_PREFIX.sub("", word))
    return word
