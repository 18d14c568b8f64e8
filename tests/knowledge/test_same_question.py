"""Which questions ask the same: dress may differ, nothing else."""

import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from knowledge.same_question import asked, fold

DEV = Path(__file__).parents[3] / "shared" / "data" / "dev"

SAME = [
    "How do I reset my password? | how can I reset the password",
    "How do I reset my password? | Hi, how to reset my password please?",
    "How do I reset my password? | Could you please tell me how I reset my password?",
    "What is the warranty period? | warranty period",
    "What is the warranty period? | What\u2019s the warranty period, thanks!",
    "Can I return a kettle? | Is it possible to return my kettle?",
    "Do I have to pay for the parcel? | Must I pay for the parcel?",
    "Where can I download the manual? | where do I download the manuals",
    "What does error E7 mean? | what does the error e7 mean",
    "How do I log in? | How can I sign in?",
    "How do I go about returning a kettle? | How do I return a kettle?",
    "Can't I pay by card? | Can I not pay by card? |",
    "איך מאפסים את הסיסמה? | שלום, כיצד מאפסים סיסמה",
    "מהי תקופת האחריות? | מה היא תקופת האחריות",
    "האם אפשר לשלם בתשלומים? | ניתן לשלם בתשלומים?",
    "كيف يمكنني إعادة تعيين كلمة المرور؟ | كيف أستطيع إعادة تعيين كلمة المرور",
    "Как я могу сбросить пароль? | Здравствуйте, как мне сбросить пароль?",
    "Wie kann ich mein Konto sperren? | Hallo, wie kann man das Konto sperren",
    "Comment puis-je annuler ma commande ? | bonjour, comment faire pour annuler la commande",
    "¿Cómo puedo cancelar mi pedido? | hola, cómo puedo cancelar el pedido",
    "请问如何重置密码？ | 如何重置密码",
]
DIFFERENT = [
    "Is parking free? | Is the park free?",
    "Where is the building? | Where is the build?",
    "How much is the booking? | How much is the book?",
    "Is Plan I free? | Is the plan free?",
    "is plan i free | Is plan II free?",
    "How do I reset E7? | How do I reset E8?",
    "What was the price in 2023? | What was the price in 2024?",
    "What does 1.5 mean? | What does 15 mean?",
    "Is it safe above 5°? | Is it safe above -5°?",
    "Is there a discount of 10%? | Is there a discount of 10€?",
    "How do I compile C++? | How do I compile C?",
    "Can I return a kettle? | Can't I return a kettle?",
    "Can I return a kettle? | How can I return a kettle?",
    "Must I return the box? | Can I return the box?",
    "Are pets allowed? | Are no pets allowed?",
    "How do I lock my account? | How do I unlock my account?",
    "How do I turn on the alarm? | How do I turn off the alarm?",
    "Do you ship to Germany? | Do you ship from Germany?",
    "Do you ship to Germany? | Do you ship to France?",
    "Do you ship to the US? | Do you ship to us?",
    "Can I pay before delivery? | Can I pay after delivery?",
    "How do I copy from my phone to my computer? | How do I copy from my computer to my phone?",
    "What is your phone number? | What is my phone number?",
    "Can you call me? | Can I call you?",
    "When did the shop open? | When does the shop open?",
    "Who is the employer? | Who is the employee?",
    "What are the opening hours? | What are the opening hours on Sunday?",
    "What is hepatitis A? | What is hepatitis B?",
    "Does vitamin A help? | Does a vitamin help?",
    "Can I buy just one? | Can I buy one?",
    "How do I say hello? | How do I say thanks?",
    "Is Alice Bob's manager? | Is Bob Alice's manager?",
    "איך מפעילים התראות? | איך מבטלים התראות?",
    "האם אפשר להחזיר מוצר? | האם אי אפשר להחזיר מוצר?",
    "אפשר לשלם לפני המשלוח? | אפשר לשלם אחרי המשלוח?",
    "מה הטלפון שלי? | מה הטלפון שלכם?",
    "מהי תקופת האחריות של הדגם M8? | מהי תקופת האחריות של הדגם M9?",
    "מה לא כלול באחריות? | מה כלול באחריות?",
    "איך מעבירים כסף מתל אביב לחיפה? | איך מעבירים כסף מחיפה לתל אביב?",
    "Как включить уведомления? | Как отключить уведомления?",
    "Wie kann ich mein Konto sperren? | Wie kann ich mein Konto entsperren?",
    "如何打开通知？ | 如何关闭通知？",
    "هل يمكنني الدفع قبل التسليم؟ | هل يمكنني الدفع بعد التسليم؟",
]


def pair(text: str) -> tuple[str, str]:
    first, second = (part.strip() for part in text.rstrip("|").split("|")[:2])
    return first, second


@pytest.mark.parametrize("text", SAME)
def test_the_dress_of_a_question_does_not_matter(text: str) -> None:
    first, second = pair(text)

    assert asked(first) == asked(second) != ()


@pytest.mark.parametrize("text", DIFFERENT)
def test_one_word_that_says_something_makes_another_question(text: str) -> None:
    first, second = pair(text)

    assert asked(first) != asked(second)


def test_a_question_of_small_words_goes_by_its_letters_alone() -> None:
    assert asked("Is it?") == asked("My?") == ()
    assert fold("Is  IT ?") == fold("is it")


def test_long_numbers_are_compared_whole() -> None:
    assert asked("a" * 60 + "1") != asked("a" * 60 + "2")


@pytest.mark.parametrize("name", ["squad2-en", "heq-he", "xquad-ar", "xquad-zh", "mtrag-support-en"])
def test_different_questions_about_one_document_never_meet(name: str) -> None:
    path = DEV / name / "questions.jsonl"
    if not path.is_file():
        pytest.skip("the question sets are not here")
    meetings = defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if words := asked(row["question"]):
            meetings[row["doc_id"], words].add(fold(row["question"]))

    assert [found for found in meetings.values() for _two in combinations(found, 2)] == []
