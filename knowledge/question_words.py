"""Words that ask, or hold a sentence together: they say nothing of what is asked about. Pure.

Not a stop list for search, where they do no harm: only for the share of a question that a passage holds.
"""

from collections.abc import Collection
from functools import cache
from typing import Final

from knowledge.tokens import words

_LANGUAGES: Final = {
    "en": "what which who whom whose when where why how many much did does do is are was were "
    "can could will would should has have had the of to in for a an and on at by from with "
    "as be been that this it its name named type kind "
    "i me my you your he him his she her we our they them their these those there here some any something "
    "anything someone other else than then so but or if "
    "not no yes just also too only really more most about "
    "please tell say know want need like get give make mean meant think see explain describe let hi hello "
    "thanks thank ok okay sorry well don doesn didn isn aren t m re ve ll d",
    "he": "מה מהו מהי מהם מהן מי מיהו מיהי מיהם מתי איפה היכן מאיפה מהיכן לאן מאין מנין איך כיצד "
    "למה מדוע האם כמה בכמה מכמה לכמה איזה איזו אילו אלו אלה באיזה באיזו באילו לאיזה לאיזו "
    "לאילו מאיזה מאיזו מאילו שאיזה של על את עם אל הוא היא הם הן היה היתה הייתה היו יש אין "
    "לפי בין גם או כי זה זו זאת אשר כדי עד ידי אותו אותה אותם לו לה להם שלו שלה שלהם ניתן "
    "אפשר נקרא נקראת נקראים נקראו ממה במה "
    "אני אנחנו אתה את אתם לי לך לנו לכם שלי שלך "
    "שלנו שלכם אותי אותך רוצה צריך צריכה צריכים יכול יכולה יכולים "
    "בבקשה תודה שלום תגיד תגידי תסביר לדעת משהו אחר אחרת עוד רק לא כן אם אבל אז כמו יותר מאוד",
    "ar": "ما ماذا من متى اين أين كيف لماذا لم هل كم أي اي أية ايه بكم لمن مم مما عم بم ماهو "
    "ماهي هو هي هم هذا هذه ذلك تلك التي الذي الذين في على الى إلى عن مع كان كانت كانوا تم "
    "قد و أو او ثم بين عند لدى "
    "انا أنا نحن انت أنت لي لك لنا لكم عندي عندك اريد أريد احتاج أحتاج يمكن يمكنني هل لو اذا إذا لا نعم "
    "فقط ايضا أيضا شكرا مرحبا فضلك اخبرني اشرح شيء اكثر أكثر جدا",
    "de": "was wer wen wem wessen wann wo wohin woher warum weshalb wieso wie welche welcher "
    "welches welchen welchem viele viel wurde wurden war waren ist sind hat haben hatte "
    "der die das den dem des ein eine einen einem einer in im von zu zum zur mit für auf "
    "an am bei aus und es sich als nach durch "
    "ich mich mir mein meine meinen meiner wir uns unser du dein ihr sie ihnen man kann können könnte muss "
    "möchte will soll es da dort auch noch nur nicht kein "
    "keine ja nein wenn aber oder so dann mehr sehr bitte "
    "danke hallo sagen erklären etwas jemand",
    "es": "qué que quién quien quiénes quienes cuál cual cuáles cuales cuándo cuando "
    "dónde donde adónde cómo como cuánto cuanto cuánta cuántos cuántas cuantos "
    "cuantas el la los las un una de del en a al por para con se es son fue fueron era ha "
    "su sus y lo "
    "yo me mi mis mí nosotros nos tu tus te "
    "usted ustedes él ella ellos puedo puede puedes quiero necesito tengo "
    "no sí si pero o más muy también solo algo "
    "alguien por favor gracias hola dime explica hay este esta eso",
    "fr": "quel quelle quels quelles qui que quoi quand où comment pourquoi combien est sont "
    "était le la les un une des de du en dans à au aux par pour avec se il elle et ce "
    "cette son sa ses a ont sur "
    "je me moi mon ma mes nous notre nos vous votre vos "
    "tu te ton ta tes ils elles on peux peut pouvez puis "
    "veux voudrais besoin dois ne pas non oui si mais "
    "ou plus très aussi merci bonjour svp dire expliquer quelque",
    "it": "che cosa chi quale quali quando dove come perché quanto quanta quanti quante è sono "
    "era il lo la i gli le un una di del della dei in a al da per con si e su ha "
    "io mi mio mia miei noi ci tu ti tuo lei voi posso "
    "può puoi voglio vorrei devo ho non sì se ma o più molto "
    "anche solo grazie ciao favore dimmi qualcosa",
    "pt": "que quê quem qual quais quando onde como porque porquê quanto quanta quantos "
    "quantas o a os as um uma de do da dos das em no na por para com se é são foi foram "
    "era e ao seu sua "
    "eu me meu minha nós nosso você vocês te posso pode quero preciso tenho não sim se mas ou mais muito "
    "também só obrigado obrigada olá favor algo",
    "nl": "wat wie welke welk wanneer waar waarom hoe hoeveel de het een van in op te voor met "
    "is zijn was waren werd er en aan door "
    "ik me mij mijn wij we ons onze je jij jouw u uw "
    "kan kunnen kunt wil moet niet geen ja nee als maar of dan "
    "meer ook nog alleen graag bedankt hallo iets iemand",
    "ro": "ce cine cui care când unde cum cât câtă câți câte de la în din pe cu pentru a al ai "
    "ale un o este sunt era fost au fi și că se lui",
    "ru": "что кто кого кому чем кем чём ком когда где "
    "куда откуда почему зачем как какой какая какое "
    "какие каким какого какую каком каких сколько "
    "чей чья чьё чьи ли в во на с со по из у к о об от "
    "для и был была было были это его ее их который "
    "которая которые "
    "я мне меня мой моя мои мы нас нам вы вас вам ваш "
    "ты тебя он она они его её их можно могу нужно хочу есть "
    "не нет да если но или же бы ещё только очень также пожалуйста спасибо привет расскажите скажите",
    "uk": "що хто кого кому чим ким коли де куди звідки "
    "чому навіщо як який яка яке які яким якого яку "
    "якому яких скільки чи в у на з із по до від для і й "
    "був була було були це його її їх",
    "pl": "co kto kogo komu czym kim kiedy gdzie dokąd skąd dlaczego jak jaki jaka jakie jakim "
    "jakiego jaką który która które którym którego ile czy w we na z ze po do od dla "
    "i był była było były to jest są się",
    "el": "τι ποιος ποια ποιο ποιοι ποιες ποιον ποιαν "
    "ποιων ποιους ποιου ποιας πότε που πού πώς πως γιατί "
    "πόσο πόση πόσοι πόσες πόσα πόσος ο η το οι τα του της "
    "των τον την τους στο στη στην στον στα στις στους "
    "σε με για από και να είναι ήταν θα ένα μια έναν",
    "tr": "ne neyi neden niçin niye nasıl kim kimin kime kimi kimler hangi hangisi kaç "
    "kaçıncı nerede nereye nereden nere zaman mi mı mu mü midir mıdır kadar ile ve "
    "bir bu için olarak olan nedir kimdir",
    "hi": "क्या कौन किस किसने किसे किसको किसका किसकी किसके कब कहाँ कहां क्यों कैसे कितना कितनी "
    "कितने कौनसा कौनसी किन किनके का की के में से को ने पर और है हैं था थी थे एक यह वह इस "
    "उस लिए द्वारा किया गया",
    "fa": "چه چی کدام که کی کجا چرا چگونه چطور چند چقدر آیا از به در با را و این آن برای است بود شد",
    "vi": "gì ai nào đâu khi sao bao nhiêu mấy thế là của và các có được trong cho một "
    "những ở bởi tại từ đã với để này đó người",
    "id": "apa siapa kapan mana dimana mengapa kenapa bagaimana berapa yang di ke dari dan itu "
    "ini dengan untuk pada adalah",
    "zh": "什么 谁 哪 哪里 哪个 哪些 何 何时 为何 如何 怎 怎么 怎样 多少 几 吗 呢 的 是 在 了 有 "
    "和 为 与 个 一个 哪一 多 少 是什 的什 是谁 哪种 甚麼 什麼 誰 哪裡 為何 為什 為 嗎 幾 "
    "個 與 为什",
    "ja": "何 誰 いつ どこ なぜ どの どれ どう どんな いくつ いくら か は が を に の で と も "
    "へ です ます した する",
    "ko": "무엇 누구 누가 언제 어디 왜 어떻게 어떤 어느 몇 얼마 무슨 은 는 이 가 을 를 의 에",
    "th": "อะไร ใคร เมื่อไร เมื่อใด ที่ไหน ไหน ทำไม อย่างไร เท่าไร เท่าใด กี่ ใด คือ เป็น ของ "
    "ที่ ใน และ มี ได้ การ จาก โดย ให้ กับ ว่า",
}


def asking_words(question: Collection[str]) -> frozenset[str]:
    """Choose the list of the language whose words the question has most of; empty where it has none.

    question: its folded words. One language at a time: "war" asks in German and is a subject in English.
    """
    best = max(_folded().values(), key=lambda known: sum(word in known for word in question))
    return best if any(word in best for word in question) else frozenset()


@cache
def _folded() -> dict[str, frozenset[str]]:
    """Fold and part the lists as questions are: Thai and Chinese become trigrams and bigrams."""
    return {language: frozenset(words(text)) for language, text in _LANGUAGES.items()}
