"""Words around a question that do not change what is asked, by language: data, and one guess. Pure.

Texts here are compared as knowledge.tokens.normalise leaves them. What is not listed counts: a word of
direction, of time, of possibility or of somebody else makes another question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.tokens import normalise


@dataclass(frozen=True, slots=True)
class Wording:
    """How questions are dressed in one language.

    rules: (pattern, what stands for it), applied in order to the words joined by spaces. harmless: words
    that are left out. article: the first letters of a word that stand for "the". has_english_endings:
    whether a plural and an -ing form count as the word itself.
    """

    rules: tuple[tuple[re.Pattern[str], str], ...] = ()
    harmless: frozenset[str] = frozenset()
    article: re.Pattern[str] | None = None
    has_english_endings: bool = False


def _wording(
    leads: str, rules: list[tuple[str, str]], harmless: str, article: str = "", *, is_english: bool = False
) -> Wording:
    """leads: what a question may begin with, any of it and repeatedly, before it asks."""
    all_rules = [(rf"^(?:(?:{leads})(?: |$))+", ""), *((rf"\b(?:{one})\b", to) for one, to in rules)]
    return Wording(
        tuple((re.compile(normalise(pattern)), normalise(to)) for pattern, to in all_rules),
        frozenset(normalise(harmless).split()),
        re.compile(normalise(article)) if article else None,
        is_english,
    )


_I: Final = "(?:i|we|one)"
_ENGLISH: Final = _wording(
    "hi|hello|hey|good (?:morning|afternoon|evening)|please|excuse me|ok|okay"
    "|(?:can|could|would|will) (?:you|someone|anyone) (?:please )?(?:tell|explain to) (?:me|us)"
    "|(?:tell|explain to) (?:me|us)|do you know|does anyone know|i wonder"
    f"|{_I} (?:want|need|like|would like|wanted|wish) to (?:know|ask|find out)"
    f"|{_I} (?:am|was) wondering|(?:may|can) {_I} ask(?: you)?|i have a question",
    [
        (r"how to|what is the (?:best |right )?way to|how (?:do|does) (?:i|we|one) go about", "how"),
        (rf"what (?:do|should|must|can) {_I} (?:(?:have|need) to )?do (?:in order )?to", "how"),
        (rf"how (?:can|could|do|does|would|should|may|might|must|shall) {_I}(?: (?:have|need) to)?", "how"),
        (rf"where (?:can|could|do|should|may) {_I}", "where"),
        (rf"(?:am i|are we) (?:able|allowed|permitted) to|(?:can|could|may) {_I}", "can"),
        (r"is it (?:possible|allowed|permitted)(?: for (?:me|us))? to", "can"),
        (rf"(?:do|does) {_I} (?:have|need) to|must {_I}|is it (?:necessary|required) to", "must"),
        (r"^(?:what|which) (?:is|are)", ""),
        (r"which", "what"),
        (r"log in|sign in|log on", "login"),
        (r"log out|sign out|log off", "logout"),
        (r"e mail(s?)", r"email\1"),
        (r"telephone", "phone"),
        (r"switch (on|off)", r"turn \1"),
        (r"(?<!say )(?<!mean )please$", ""),
    ],
    "a an the of any do does is are be i we my our",
    is_english=True,
)
_HEBREW: Final = _wording(
    "שלום|היי|הי|בוקר טוב|ערב טוב|בבקשה|אנא|סליחה|רציתי לדעת|אשמח לדעת|אפשר לדעת|אפשר לשאול|יש לי שאלה"
    "|(?:אני|אנחנו) (?:רוצה|רוצים|צריך|צריכה|צריכים) לדעת|(?:תוכלו|תוכל|תוכלי) (?:לומר|להגיד) לי",
    [
        (r"(?:איך|כיצד)(?: (?:אני יכול|אני יכולה|אני|אנחנו|אפשר|ניתן|אוכל|נוכל))?", "איך"),
        (r"(?:האם )?(?:אפשר|ניתן|אני יכול|אני יכולה|אוכל|נוכל)", "אפשר"),
        (r"מהו|מהי|מהם|מהן|מה (?:זה|הוא|היא|הם|הן)", "מה"),
        (r"היכן", "איפה"),
        (r"מדוע", "למה"),
        (r"האם", ""),
    ],
    "את של שלי שלנו אני אנחנו",
    "^ה(?!אם$|וא$|יא$|ם$|ן$|יה$|יו$|יתה$|יום$|זה$|זאת$|זו$)(?=...)",
)
_ARABIC: Final = _wording(
    "مرحبا|السلام عليكم|من فضلك|رجاء|لو سمحت",
    [
        (r"كيف (?:يمكنني|يمكننا|يمكن|أستطيع)", "كيف"),
        (r"هل (?:يمكنني|يمكننا|يمكن|أستطيع)", "يمكن"),
        (r"ما (?:هو|هي)", "ما"),
        (r"هل", ""),
    ],
    "",
    "^ال(?=...)",
)
_RUSSIAN: Final = _wording(
    "здравствуйте|привет|добрый день|пожалуйста|подскажите|скажите",
    [(r"как (?:я могу|мне|можно)", "как"), (r"могу ли я|можно ли|я могу", "можно")],
    "я мой моя мое мои мою моего моей моих ли",
)
_GERMAN: Final = _wording(
    "hallo|guten (?:tag|morgen|abend)|bitte|(?:können|könnten) sie mir (?:bitte )?sagen",
    [
        (r"wie (?:kann|könnte|muss|soll) (?:ich|man)", "wie"),
        (r"(?:kann|könnte|darf) (?:ich|man)", "kann"),
        (r"^(?:was|welche[srnm]?) (?:ist|sind)", ""),
    ],
    "der die das den dem des ein eine einen einem einer eines ich wir mein meine meinen meinem meiner"
    " ist sind",
)
_FRENCH: Final = _wording(
    "bonjour|bonsoir|salut|s il (?:vous|te) plaît|pouvez vous me dire",
    [
        (r"comment (?:puis je|peut on|pouvons nous|je peux|faire pour|dois je)", "comment"),
        (r"puis je|peut on|est ce que je peux|est il possible de", "peut"),
        (r"^quel(?:le)?s? (?:est|sont)|est ce que", ""),
    ],
    "le la les l un une mon ma mes notre nos je est sont",
)
_SPANISH: Final = _wording(
    "hola|buenos días|buenas tardes|por favor|(?:puede|podría) decirme",
    [
        (r"cómo (?:puedo|se puede|podemos|hago para|debo)", "cómo"),
        (r"se puede|podemos|es posible", "puedo"),
        (r"^(?:cuál|cuáles|qué) (?:es|son)", ""),
    ],
    "el la los las un una mi mis nuestro nuestra yo es son",
)
_PLAIN: Final = Wording()
_SCRIPTS: Final = (
    (re.compile("[\u05d0-\u05ea]"), _HEBREW),
    (re.compile("[\u0620-\u06ff]"), _ARABIC),
    (re.compile("[\u0400-\u04ff]"), _RUSSIAN),
)
_COMMON: Final = tuple(
    (wording, frozenset(common.split()))
    for wording, common in (
        (_ENGLISH, "the a an is are do does how what which can i my of to where when"),
        (_GERMAN, "der die das den ein eine ist sind wie was kann ich wo wann mein meine und"),
        (_FRENCH, "le la les est une un comment quel quelle je puis mon ma où de du quand et"),
        (_SPANISH, "el la los las es una un cómo cuál qué puedo mi dónde de cuándo y en"),
    )
)


def wording_of(words: Sequence[str]) -> Wording:
    """Guess the language of a question's words, in Latin script by its commonest words."""
    text = " ".join(words)
    for script, wording in _SCRIPTS:
        if script.search(text):
            return wording
    found = set(words)
    best, common = max(_COMMON, key=lambda pair: len(pair[1] & found))
    return best if common & found or text.isascii() else _PLAIN
