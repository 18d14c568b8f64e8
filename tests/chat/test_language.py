"""The language of a question is told by its letters and its words; unsure is an answer."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.language import LANGUAGES, detect

QUESTIONS = Path(__file__).parents[3] / "shared" / "data" / "dev"
SAMPLES = {
    "ar": "كم تستمر فترة الضمان على الحاسوب المحمول؟",
    "de": "Wie lange gilt die Garantie für meinen Laptop?",
    "el": "Πόσο διαρκεί η εγγύηση;",
    "en": "How long is the warranty on my laptop?",
    "es": "¿Cuánto dura la garantía de mi portátil?",
    "fa": "مدت گارانتی لپ‌تاپ من چقدر است؟",
    "fr": "Combien de temps dure la garantie de mon ordinateur ?",
    "he": "כמה זמן נמשכת האחריות על ה-laptop שלי?",
    "hi": "मेरे लैपटॉप की वारंटी कितने समय की है?",
    "it": "Quanto dura la garanzia del mio portatile?",
    "ja": "ノートパソコンの保証期間はどのくらいですか？",
    "ko": "노트북 보증 기간은 얼마나 되나요?",
    "nl": "Hoe lang is de garantie op mijn laptop?",
    "pl": "Jak długo trwa gwarancja na mój laptop?",
    "pt": "Quanto tempo dura a garantia do meu portátil? Não sei.",
    "ro": "Cât timp durează garanția pentru laptopul meu?",
    "ru": "Сколько длится гарантия на мой ноутбук?",
    "th": "การรับประกันแล็ปท็อปนานเท่าไร",
    "tr": "Dizüstü bilgisayarımın garantisi ne kadar sürer?",
    "uk": "Скільки триває гарантія на мій ноутбук?",
    "ur": "میرے لیپ ٹاپ کی وارنٹی کتنی مدت کی ہے؟",
    "vi": "Bảo hành máy tính xách tay của tôi là bao lâu?",
    "zh": "我的笔记本电脑保修多久？",
}


def test_every_language_has_a_sample() -> None:
    assert set(SAMPLES) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_is_found_when_a_question_is_asked_in_it(language: str) -> None:
    assert detect(SAMPLES[language]) == language
    assert detect(SAMPLES[language].upper()) == language


@pytest.mark.parametrize("text", ["", "   ", "12345 ?!", "😀", "E7", "Halden H2", "xyzzy plugh"])
def test_nothing_is_said_when_nothing_tells(text: str) -> None:
    assert detect(text) == ""


def test_question_keeps_its_language_when_it_quotes_another() -> None:
    assert detect("What does the word שלום mean in English?") == "en"
    assert detect("מה זה Wi-Fi Direct?") == "he"


@given(st.text())
def test_answer_is_a_known_code_or_nothing_whatever_the_text(text: str) -> None:
    assert detect(text) in (*LANGUAGES, "")


def test_most_public_questions_are_told_rightly() -> None:
    files = sorted(QUESTIONS.glob("*/questions.jsonl"))
    if not files:
        pytest.skip("the public question sets are not here")

    for file in files:
        asked = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        right = sum(detect(question["question"]) == question["lang"] for question in asked)

        assert right / len(asked) > 0.85, file.parent.name
