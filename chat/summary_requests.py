"""Pure: whether a question asks for a summary of a document, and of which one.

Careful rather than clever: a verb of summarising must begin the question, and what follows must be a
document ("this document") or the whole of its title. Everything else is a question like any other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from knowledge.tokens import index_tokens, normalise, words

LONGEST: Final = 200
NAMED: Final = 0.8  # of the words asked for, in a title
NAMED_DOCUMENT: Final = 0.6  # … after "the document …"
OF_TITLE: Final = 0.5
CLOSE: Final = 0.1

_POLITE: Final = (
    r"(?:(?:please|kindly|(?:can|could|would|will) you|i(?:'d| would) like(?: you to)?|בבקשה|אנא|"
    r"(?:אתה |את )?(?:יכול|יכולה|תוכל|תוכלי)|אפשר|من فضلك|رجاءً?|هل يمكنك|por favor|puedes|podrías|"
    r"s'il (?:te|vous) pla[iî]t|peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|bitte|kannst du|können sie|"
    r"könntest du|könnten sie|пожалуйста|можешь|можете|请|請|麻烦|帮我|幫我)[\s,]*){0,4}+"
)
_SHORT: Final = r"(?:short|brief|quick|concise|one-paragraph)"
_VERBS: Final = "|".join(
    (
        r"summari[sz]e(?: up)?",
        r"sum up",
        r"tl;?dr(?: of)?",
        r"(?:(?:give|write|make|create|prepare)(?: me| us)? )?(?:an? |the )?"
        rf"(?:{_SHORT} )?(?:summary|overview) of",
        r"(?:ת|ל)?(?:סכם|סכמי|סכמו)(?: לי| לנו)?(?: בקצרה)?(?: את)?",
        r"(?:(?:תן|תני|כתוב|כתבי|הכן|הכיני)(?: לי| לנו)? )?(?:סיכום|תקציר)(?: קצר)? של",
        r"لخ[ّ]?ص(?:ي|وا)?(?: لي| لنا)?",
        r"تلخيص",
        r"(?:(?:أعطني|اكتب)(?: لي)? )?(?:ملخص(?:ًا|ا)?|موجز)(?: ل| عن)?",
        r"res[uú]me(?:me|nos|n de)?",
        r"resumir",
        r"(?:(?:haz(?:me)?|dame|escribe) un (?:breve )?)?resumen del?",
        r"r[ée]sumer?z?(?:[- ]moi)?",
        r"(?:fais|faites|donne|donnez)(?:[- ]moi)? un (?:bref )?résumé d(?:e|u)",
        r"fass(?:e|en sie)?",
        r"zusammenfassung (?:von|des|der)",
        r"(?:кратко )?(?:резюмируй|суммируй|перескажи|изложи)(?:те)?(?: кратко)?",
        r"(?:сделай(?:те)? )?(?:краткое )?(?:резюме|краткое содержание)",
        r"(?:总结|總結|概括|概述)(?:一下)?",
        r"摘要",
    )
)
_BEGINS: Final = re.compile(rf"{_POLITE}(?:{_VERBS})(?=\W|[\u4e00-\u9fff]|$)\s*", re.I)
_CHINESE_END: Final = re.compile(r"^(?:请|請)?(?:给我|給我)?(.{1,80}?)的?(?:总结|總結|摘要|概要)(?:一下)?$")
_GERMAN_END: Final = re.compile(r"\s*(?:kurz )?zusammen$", re.I)
_TAIL: Final = re.compile(
    r"(?:[\s,]+(?:please|for me|for us|briefly|in short|in brief|in (?:a few|one|two|three|\d+) (?:words?|"
    r"sentences?|lines?|points?)|shortly|בבקשה|בקצרה|עבורי|בשבילי|من فضلك|باختصار|por favor|brevemente|"
    r"s'il (?:te|vous) pla[iî]t|brièvement|bitte|kurz|пожалуйста|кратко))+$",
    re.I,
)
_THIS: Final = (
    r"(?:this|that|the|our|entire|whole|הזה|este|ese|esta|el|la|los|las|del|ce|cet|cette|le|les|l'|du|dieses|"
    r"diesen|diese|das|den|die|der|des|этот|эту|это|этого|данный|هذا|هذه|"
    r"这个|这份|这篇|這個|這份|该|该份|本|此|整个)"
)
_NOUN: Final = (
    r"(?:documents?|docs?|pdf|files?|paper|ה?מסמך|ה?קובץ|المستند|مستند|الملف|ملف|الوثيقة|وثيقة|documento|archivo|"
    r"fichero|document|fichier|dokuments?|datei|документ[а]?|файл[а]?|文档|文件|文檔|檔案)"
)
_DOCUMENT: Final = re.compile(
    rf"(?:(?:{_THIS})\s*){{0,3}}{_NOUN}(?:\s+(?:הזה|הנוכחי|הזאת|above|below))?(?=\W|[\u4e00-\u9fff]|$)", re.I
)
_CALLED: Final = re.compile(
    r"^(?:called|named|titled|about|on|entitled|בשם|על|שנקרא|بعنوان|عن|titulado|llamado|intitulé|namens|"
    r"mit dem titel|под названием|о|名为|关于)\s+",
    re.I,
)
_ARTICLES: Final = frozenset(
    words("the a an of our your my el la los las de del un una le les des du der die das den dem את של")
)
_QUOTES: Final = " \t\n\"'“”„«»‘’「」《》.!?？。:،؟,"


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """What is to be summarised. name: words of a title, "" for the document at hand.

    says_document: whether it calls itself a document, so that an unknown name is asked about.
    """

    name: str
    says_document: bool


def recognise(question: str) -> SummaryRequest | None:
    """Return what a question asks a summary of; None where it asks something else."""
    text = " ".join(question.split()).strip(_QUOTES)
    if not text or len(text) > LONGEST:
        return None
    found = _BEGINS.match(text)
    if found:
        rest = text[found.end() :]
        if re.search(r"fass(?:e|en sie)?\s*$", found[0], re.I):  # German ends with the other half of the verb
            if not _GERMAN_END.search(rest):
                return None
            rest = _GERMAN_END.sub("", rest)
    elif chinese := _CHINESE_END.match(text):
        rest = chinese[1]
    else:
        return None
    rest = _TAIL.sub("", rest.strip(_QUOTES)).strip(_QUOTES)
    if document := _DOCUMENT.match(rest):
        name = _CALLED.sub("", rest[document.end() :].strip(_QUOTES)).strip(_QUOTES)
        return SummaryRequest(name, says_document=True)
    return SummaryRequest(rest, says_document=False) if rest else None


def matching(request: SummaryRequest, titles: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the keys of the documents whose title is asked for, the likeliest first; several where unsure.

    titles: what each document is called, title and file name.
    """
    exact = [key for key, names in titles.items() if any(_is_same(name, request.name) for name in names)]
    if exact:
        return exact
    wanted = _tokens(request.name)
    if not wanted:
        return []
    least = NAMED_DOCUMENT if request.says_document else NAMED
    scored = []
    for key, names in titles.items():
        score = max((_score(wanted, _tokens(_plain(name)), least) for name in names if name), default=0.0)
        if score:
            scored.append((score, key))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [key for score, key in scored if score >= scored[0][0] - CLOSE]


def _is_same(title: str, name: str) -> bool:
    return bool(title) and normalise(title).strip(_QUOTES) == normalise(name).strip(_QUOTES)


def _score(wanted: frozenset[str], title: frozenset[str], least: float) -> float:
    shared = len(wanted & title)
    if not title or shared < least * len(wanted) or shared < OF_TITLE * len(title):
        return 0.0
    return shared / len(wanted | title)


def _plain(name: str) -> str:
    suffix = PurePath(name).suffix
    return name.removesuffix(suffix) if 1 < len(suffix) <= 5 and suffix[1:].isalnum() else name


def _tokens(name: str) -> frozenset[str]:
    kept = [word for word in words(name.replace("_", " ")) if word not in _ARTICLES]
    return frozenset(index_tokens(" ".join(kept)))
