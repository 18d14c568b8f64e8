"""Pure: which of the site's 23 languages a short text is in, by its script, letters and commonest words.

Made for questions: the tables favour the words questions are asked with. "" is a fair answer.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

LANGUAGES = (
    *("ar", "de", "el", "en", "es", "fa", "fr", "he", "hi", "it", "ja", "ko"),
    *("nl", "pl", "pt", "ro", "ru", "th", "tr", "uk", "ur", "vi", "zh"),
)
MAX_CHARS = 2000
ASKED = 8  # pieces of a document that tell its language

_SCRIPTS = (
    ("he", 0x0590, 0x05FF), ("arabic", 0x0600, 0x06FF), ("arabic", 0x0750, 0x077F), ("hi", 0x0900, 0x097F),
    ("th", 0x0E00, 0x0E7F), ("el", 0x0370, 0x03FF), ("el", 0x1F00, 0x1FFF), ("cyrillic", 0x0400, 0x04FF),
    ("kana", 0x3040, 0x30FF), ("ko", 0xAC00, 0xD7A3), ("ko", 0x1100, 0x11FF), ("han", 0x4E00, 0x9FFF),
    ("han", 0x3400, 0x4DBF), ("latin", 0x0041, 0x024F), ("latin", 0x1E00, 0x1EFF),
)  # fmt: skip
_FOREIGN_WEIGHT = {"kana": 4, "han": 4, "ko": 4}
_WORD = re.compile(r"[^\W\d_]+")

_WORDS = {
    "en": "the of and is are was were what which who whom whose how when where why did does do many much "
    "long in to for with on by from that this can could should would will has have had it its my your you "
    "i we they not be been an as at or if than about there their me please tell explain between into "
    "any name use during after before became become more most other get find need want",
    "es": "el la los las de del que qué cuál cuáles quién quiénes cómo cuándo dónde cuánto cuánta cuántos "
    "cuántas por para con en es son fue era fueron un una unos y se su sus al lo como más qué hay está "
    "están tiene puedo puede hacer mi no porqué entre durante sobre",
    "fr": "le la les des du de un une et est sont était que qu qui quoi quel quelle quels quelles comment "
    "quand où pourquoi combien dans pour par avec sur au aux ce cette ces il elle je vous nous ne pas plus "
    "mon ma mes puis peut fait a ont l d j été entre",
    "de": "der die das den dem des ein eine einen einem einer eines und ist sind war waren was wer wie wann "
    "wo warum wieso welche welcher welches welchen wieviel viele von mit für auf im in zu zum zur bei nach "
    "aus nicht ich kann man mein meine es wird wurde werden haben hat sich an als über wem wen woher oder "
    "welchem wovon wofür womit worin nachdem laut",
    "it": "il lo la gli le di del della dei delle dello che cosa chi come quando dove perché quale quali "
    "quanto quanti quanta quante è sono era un una uno e per con in da al alla nel nella su non si posso "
    "può mio mia ho ha hanno più dal dalla sul sulla dell nell tra fu",
    "pt": "o os as de do da dos das que qual quais quem como quando onde porque por quanto quanta quantos "
    "quantas em no na nos nas um uma é são foi era eram e para com se ao à mais não posso pode meu minha "
    "eu você tem há seu sua pelo pela entre foram",
    "nl": "de het een van en is zijn was waren wat wie waar wanneer waarom hoe welke welk hoeveel in op te "
    "met voor door aan bij naar niet ik kan mijn je u er dat die deze dit om uit ook als of heeft hebben "
    "wordt worden kunnen moet",
    "pl": "i w z na do od jest są był była było były co kto jak jaki jaka jakie jakich kiedy gdzie dlaczego "
    "ile który która które którym czy nie się to o po dla przez przy ze za mogę może mój moja ma mam "
    "został została być tego oraz jako",
    "ro": "și de la în din cu pe pentru care ce cine cum când unde cât câte câți câtă este sunt era erau au "
    "a fost un o unui unei al ale ai nu se că mai pot poate meu mea am ani după despre prin sau cărui fi "
    "lui cele cel cea acest",
    "tr": "ve bir bu ne nedir nasıl nerede zaman kim kimdir kaç hangi neden niçin için ile mi mı mu mü da "
    "de var yok olarak olan en çok daha kadar gibi ben benim sonra ise değil nereye hangisi kimin oldu "
    "vardır eder olur nelerdir hangisidir kimdi neydi neyin hangisini yılında tarafından ilk",
    "vi": "là của và có cho các những một được trong với không gì nào ai khi đâu sao bao nhiêu thế như về "
    "ở tại này đó người từ đã đến ra vào tôi bạn thì hay mà năm bị để theo vì phải làm",
    "ru": "и в на не что кто как когда где почему сколько какой какая какие каков был была было были по из "
    "с к для это мне я мой моя можно ли от за чем до его их о у под каким какую "
    "какого какому чего чему чём ком кого кому какими при есть почём",
    "uk": "і в на не що хто як коли де чому скільки який яка яке які був була було були по із з до для це "
    "мені я мій моя можна чи від за та у його про під яким яку й",
    "ar": "ما ماذا من متى أين كيف كم هل لماذا في على إلى عن هو هي التي الذي هذا هذه كان كانت أي و مع أن لا "
    "يمكن عند بعد قبل بين لدي أريد اي الى اين",
    "fa": "چه چیست کیست کی کجا چگونه چرا آیا چند چقدر کدام در از به را که این آن و با برای است بود شد می "
    "هستند هست تا بر یک من ما شما کنم شود دارد",
    "ur": "کیا کون کب کہاں کیسے کیوں کتنے کتنا کتنی کس میں سے کو کا کی کے ہے ہیں تھا تھی تھے پر نے اور یہ "
    "وہ ایک ہوں مجھے میرا میری کر سکتا ہو",
}
_FAMILIES = {
    "latin": ("en", "es", "fr", "de", "it", "pt", "nl", "pl", "ro", "tr", "vi"),
    "cyrillic": ("ru", "uk"),
    "arabic": ("ar", "fa", "ur"),
}
_LETTERS = {
    "es": "ñ¿¡",
    "fr": "œêëùûîï",
    "de": "ßäöü",
    "it": "ìò",
    "pt": "ãõ",
    "pl": "łąężźśćń",
    "ro": "ăâîșțşţ",
    "tr": "ğışöüç\u0307",
    "vi": "đơưăạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "ru": "ыэёъ",
    "uk": "їієґ",
    "ar": "كيىةأإؤئ",
    "fa": "پچژگکی",
    "ur": "ٹڈڑںےہھپچگکی",
}


def detect(text: str) -> str:
    """Return the code of a text's language, "" when unsure. Reads at most MAX_CHARS characters."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARS]).lower()
    scripts = _scripts(text)
    if not scripts:
        return ""
    if scripts["kana"] and scripts["kana"] + scripts["han"] >= scripts["latin"]:
        return "ja"
    script, _count = scripts.most_common(1)[0]
    if script in _FAMILIES:
        return _by_words(text, script)
    return {"kana": "ja", "han": "zh"}.get(script, script)


def detect_document(texts: Sequence[str]) -> str:
    """Return the language that most of a document's pieces are in, "" when unsure; asks a few of them."""
    asked = texts[:: max(1, len(texts) // ASKED)][: 2 * ASKED]
    found = Counter(code for code in map(detect, asked) if code).most_common(1)
    return found[0][0] if found and 2 * found[0][1] >= len(asked) else ""


def _scripts(text: str) -> Counter[str]:
    """Count letters by script; Latin ones weigh least, for names are written in them everywhere."""
    counts: Counter[str] = Counter()
    for letter in text:
        if letter.isalpha():
            code = ord(letter)
            for script, first, last in _SCRIPTS:
                if first <= code <= last:
                    counts[script] += 1 if script == "latin" else _FOREIGN_WEIGHT.get(script, 3)
                    break
    return counts


def _by_words(text: str, script: str) -> str:
    """Return the likeliest language of a script: words it shares with few others, letters of its own."""
    weights = _weights(script)
    scores: dict[str, float] = dict.fromkeys(_FAMILIES[script], 0.0)
    for word in _WORD.findall(text):
        for language, weight in weights.get(word, ()):
            scores[language] += weight
    for language in _FAMILIES[script]:
        scores[language] += sum(_letter_weights(script).get(letter, 0) for letter in text
                                if letter in _LETTERS.get(language, ""))  # fmt: skip
    (score, best), (runner_up, _second) = sorted(((scores[code], code) for code in scores), reverse=True)[:2]
    if script == "cyrillic" and not set(text) & set(_LETTERS["uk"]):
        return "ru"
    return best if score >= 0.5 and score > runner_up * 1.15 else ""


@cache
def _weights(script: str) -> dict[str, list[tuple[str, float]]]:
    """Words → the languages that have them, each weighing less the more there are."""
    owners: dict[str, set[str]] = {}
    for language in _FAMILIES[script]:
        for word in _WORDS[language].split():
            owners.setdefault(word, set()).add(language)
    return {word: [(code, 1 / len(codes)) for code in codes] for word, codes in owners.items()}


@cache
def _letter_weights(script: str) -> dict[str, float]:
    letters = Counter(letter for code in _FAMILIES[script] for letter in _LETTERS.get(code, ""))
    return {letter: 0.7 / count for letter, count in letters.items()}
