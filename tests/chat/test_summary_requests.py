"""Which questions ask for a summary, and of what."""

import pytest

from chat.summary_requests import SummaryRequest, matching, recognise

TITLES = {
    "a": ("Warranty terms", "warranty_terms_2024.pdf"),
    "b": ("Returns", "returns.md"),
    "c": ("תנאי האחריות", "terms-he.docx"),
    "d": ("Kettle manual", "kettle.pdf"),
    "e": ("保修条款", "zh.txt"),
}


@pytest.mark.parametrize(
    "question",
    [
        "summarise this document",
        "Summarize the document, please.",
        "Could you please summarise this file for me?",
        "Give me a short summary of this document",
        "TL;DR of the document",
        "סכם את המסמך",
        "סכמי לי בקצרה את המסמך הזה, בבקשה",
        "תקציר של המסמך",
        "لخص هذا المستند",
        "لخّص المستند من فضلك",
        "Resume este documento",
        "Résume ce document, s'il te plaît",
        "Fasse dieses Dokument zusammen",
        "Bitte fassen Sie das Dokument kurz zusammen.",
        "Резюмируй этот документ",
        "总结这个文件",
        "请总结一下这份文档",
    ],
)
def test_a_summary_of_the_document_at_hand_is_recognised(question: str) -> None:
    assert recognise(question) == SummaryRequest("", says_document=True)


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("summarize the warranty terms", "a"),
        ("Summarise “Warranty terms” for me", "a"),
        ("Please summarise warranty_terms_2024.pdf", "a"),
        ("summary of the document called Returns", "b"),
        ("סכם את תנאי האחריות", "c"),
        ("סכם את המסמך תנאי האחריות", "c"),
        ("Fasse Kettle manual zusammen", "d"),
        ("总结保修条款", "e"),
        ("保修条款的摘要", "e"),
    ],
)
def test_a_document_is_recognised_by_its_title(question: str, key: str) -> None:
    request = recognise(question)

    assert request is not None
    assert matching(request, TITLES) == [key]


@pytest.mark.parametrize(
    "question",
    [
        "How long is the warranty?",
        "What does the document say about kettles?",
        "Who wrote the summary of this document?",
        "I read the document, now what?",
        "fasse ich das richtig an?",
        "מה כתוב במסמך על אחריות?",
        "",
    ],
)
def test_other_questions_stay_questions(question: str) -> None:
    assert recognise(question) is None


@pytest.mark.parametrize(
    "question", ["summarise how returns work for kettles bought abroad", "summarise what I should do now"]
)
def test_a_question_that_only_begins_like_one_names_no_document(question: str) -> None:
    request = recognise(question)

    assert request is not None
    assert not request.says_document
    assert matching(request, TITLES) == []


@pytest.mark.parametrize("piece", ["can you please ", "please ", "请帮我", "the ", ", please", "以的"])
@pytest.mark.parametrize("start", ["", "summarise ", "请"])
def test_a_question_that_repeats_itself_names_no_document(start: str, piece: str) -> None:
    request = recognise((start + piece * 200)[:200])  # must not take for ever either

    assert request is None or matching(request, TITLES) == []


def test_the_very_name_wins_over_one_of_the_same_words() -> None:
    request = recognise("summarise warranty-he.md")

    assert request is not None
    assert matching(request, {"x": ("Terms", "warranty.he.md"), "y": ("Terms", "warranty-he.md")}) == ["y"]


def test_two_documents_of_one_name_are_both_named() -> None:
    request = recognise("summarise the warranty terms")

    assert request is not None
    assert matching(request, {"x": ("Warranty terms",), "y": ("Warranty terms",)}) == ["x", "y"]
