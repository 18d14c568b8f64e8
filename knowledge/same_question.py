"""Whether two questions ask the same, by their words. Pure, and strict: what is doubtful is not the same.

A question is reduced to the words that say what is asked, in their order. Numbers, codes, names, signs,
negations, directions, tenses and other people stay, so that a difference in one of them is a difference.
Vectors have no say: "from A to B" is nearer to "from B to A" than most paraphrases are to their questions
(docs/measurements.md).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from knowledge.tokens import MAX_WORD_CHARS, normalise, words
from knowledge.wording import Wording, wording_of

_NOT: Final = re.compile(r"\b(?:can['\u2019]?t|cannot)\b")
_WILL_NOT: Final = re.compile(r"\bwon['\u2019]?t\b")
_VERBS: Final = "do|does|did|is|are|was|were|has|have|had|could|would|should|must|might|need"
_NOT_AFTER: Final = re.compile(rf"\b({_VERBS})n['\u2019]?t\b")
_IS_AFTER: Final = re.compile(r"\b(what|where|who|how|when|why|that|it|there)['\u2019]s\b")
_SHORT_FORM: Final = re.compile(r"(?<=[a-z])['\u2019](?:m|d|ve|re|ll)\b")
# Written like a common word, and something else: the letter, the numeral, the country, the trade.
_CAPITALS: Final = re.compile(r"(?<=[^\W_] )A(?![\w'\u2019])|\bI(?=[?.!,;:]|\s*$)|\b(?:US|IT|WHO|AM)\b")
# The first of several: "Plan I", not "can I".
_FIRST: Final = re.compile(
    r"\b(plan|part|level|class|type|phase|stage|category|tier|grade|group|section|chapter|volume|module|unit"
    r"|version|step|schedule|annex|appendix|zone) (?:I|i)(?![\w'\u2019])",
    re.I,
)
_IN_NUMBER: Final = re.compile(r"(?<=\d)[.,:/\u2044-](?=\d)")
_MINUS: Final = re.compile(r"(?<![^\W_])[-\u2212](?=\d)")
_SIGNS: Final = {
    "+": "plus", "#": "sharp", "%": "percent", "$": "dollar", "€": "euro", "£": "pound", "₪": "shekel",
    "¥": "yen", "&": "and", "@": "at", "<": "below", ">": "above", "=": "equals", "°": "degree", "×": "times",
}  # fmt: skip
_SIGN: Final = re.compile(f"[{re.escape(''.join(_SIGNS))}]")
_COURTESY: Final = re.compile(
    r"[,.!?;:\u060c\u2013\u2014]\s*(?:please|thanks|thank you|many thanks|תודה|תודה רבה|בבקשה|شكرا|спасибо"
    r"|danke|bitte|merci|gracias|por favor|谢谢|謝謝)[\s.!]*$"
)
_CHINESE_FILLERS: Final = re.compile("^(?:你好|您好|请问|請問|请|請|[,，!！\\s])+|[吗嗎呢啊](?=[?\\s]*$)")
_LONG_WORD: Final = re.compile(rf"[a-z\d]{{{MAX_WORD_CHARS + 1},}}")
_VOWEL: Final = re.compile("[aeiouy]")

Asked = tuple[str, ...]  # the words that say what is asked, in order


def fold(question: str) -> str:
    """Fold what may be typed differently: case, width, invisible marks, white space, the mark at the end."""
    return " ".join(normalise(question).split()).rstrip("?.!\u2026\u061f\u3002 ")


@lru_cache(maxsize=16_384)
def asked(question: str) -> Asked:
    """Return what a question asks; two questions that ask the same are one. Empty: too little to go by."""
    text = _spell_out(question)
    if _LONG_WORD.search(text):
        return (fold(question),)
    found = words(text)
    wording = wording_of(found)
    said = " ".join(found)
    for pattern, to in wording.rules:
        said = " ".join(pattern.sub(to, said).split())
    asking = [word for word in said.split() if word not in wording.harmless]
    kept = tuple(_stem(word, wording, before) for before, word in zip(["", *asking], asking, strict=False))
    says_something = len(kept) > 1 or any(len(word) > 3 or not word.isascii() for word in kept)
    return kept if says_something else ()


def _spell_out(question: str) -> str:
    """Write as words what the tokeniser would drop: signs, decimal points, short forms, capitals."""
    text = unicodedata.normalize("NFKC", question).strip()
    text = _FIRST.sub(r"\1 onecapital", text)
    if not text.isupper():
        text = _CAPITALS.sub(lambda found: f"{found[0]}capital", text)
    text = _CHINESE_FILLERS.sub(" ", _COURTESY.sub("", text.casefold()))
    text = _IS_AFTER.sub(r"\1 is", _SHORT_FORM.sub("", _spell_negations(text)))
    text = _IN_NUMBER.sub("p", _MINUS.sub(" minus ", text))
    return _SIGN.sub(lambda found: f" {_SIGNS[found[0]]}sign ", text)


def _spell_negations(text: str) -> str:
    return _NOT_AFTER.sub(r"\1 not", _WILL_NOT.sub("will not", _NOT.sub("can not", text)))


def _stem(word: str, wording: Wording, before: str) -> str:
    """Take off an article that is written into the word, or an English ending: plural, -ing after "how".

    Elsewhere -ing makes another word: "Is parking free?" is not "Is the park free?".
    """
    if wording.article:
        return wording.article.sub("", word)
    if not wording.has_english_endings or not word.isascii() or not word.isalpha() or len(word) < 4:
        return word
    return _without_ending(word, may_be_doing=before == "how")


def _without_ending(word: str, *, may_be_doing: bool) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if may_be_doing and word.endswith("ing") and len(word) > 5 and _VOWEL.search(word[:-3]):
        word = word[:-3]
        if word[-1] == word[-2] and word[-1] not in "lsz":
            word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 4 else word
