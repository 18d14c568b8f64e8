"""The pages of golden questions and of languages, as managers use them."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from knowledge.models import Collection, GoldenQuestion
from tests.knowledge.people import text_of
from tests.knowledge.releases.shop import (
    GOLDEN,
    HEBREW_QUESTION,
    PAGE,
    QUESTION,
    must_find,
    must_refuse,
    try_draft,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]


def test_a_golden_question_is_written_with_its_language_and_listed(alice: Client, shop: Collection) -> None:
    document = shop.documents.get(name="file2.md")
    text = "מה קורה עם נורה שבורה?"
    data = {"text": text, "expectation": "find", "document": document.pk, "is_active": "on"}

    alice.post(f"{GOLDEN}new/", data)

    question = GoldenQuestion.objects.get(text=text)
    assert (question.language, question.document, question.created_by.username) == ("he", document, "alice")  # type: ignore[union-attr]
    assert text in text_of(alice, f"{GOLDEN}?language=he")
    assert QUESTION not in text_of(alice, f"{GOLDEN}?language=he")


def test_a_question_to_be_found_needs_its_document(alice: Client, shop: Collection) -> None:
    page = alice.post(f"{GOLDEN}new/", {"text": "Anything?", "expectation": "find"}).content.decode()

    assert "Choose the document that must be found." in page
    assert shop.golden_questions.count() == 2


def test_failing_questions_are_listed_on_their_own(alice: Client, shop: Collection) -> None:
    must_refuse(shop, "When does the ferry travel to the islands?")
    try_draft(shop)

    page = text_of(alice, f"{GOLDEN}?show=failing")

    assert "When does the ferry travel" in page
    assert QUESTION not in page


def test_questions_come_in_and_go_out_in_the_evaluation_format(alice: Client, shop: Collection) -> None:
    exported = alice.get(f"{GOLDEN}export/").content
    rows = [json.loads(line) for line in exported.decode().splitlines()]
    assert [(row["question"], row["doc_id"], row["lang"]) for row in rows] == [
        (QUESTION, "file0.md", "en"),
        (HEBREW_QUESTION, "file2.md", "en"),
    ]
    shop.golden_questions.all().delete()
    more = {"question": "Who is the king of Atlantis?", "doc_id": "", "unanswerable": True}
    lost = {"question": "Where is it?", "doc_id": "nowhere.md", "answers": [], "unanswerable": False}
    content = exported + json.dumps(more).encode() + b"\n" + json.dumps(lost).encode()

    page = alice.post(
        f"{GOLDEN}import/", {"file": SimpleUploadedFile("golden.jsonl", content)}, follow=True
    ).content.decode()

    kept = shop.golden_questions.order_by("pk")
    assert [(row.expectation, row.language) for row in kept] == [
        ("find", "en"),
        ("find", "he"),
        ("refuse", "en"),
    ]
    assert "3 golden questions were added." in page
    assert "nowhere.md" in page


def test_a_broken_file_of_questions_names_its_line(alice: Client, shop: Collection) -> None:
    content = b'{"question": "Fine?", "doc_id": "file0.md"}\n{"question": 7}'

    page = alice.post(
        f"{GOLDEN}import/", {"file": SimpleUploadedFile("golden.jsonl", content)}, follow=True
    ).content.decode()

    assert "Line 2 of the file is not a golden question." in page
    assert shop.golden_questions.count() == 2


def test_the_language_board_says_what_is_reached_and_what_the_model_does_not_know(
    alice: Client, shop: Collection
) -> None:
    shop.golden_questions.filter(text=HEBREW_QUESTION).update(language="he")
    try_draft(shop)

    page = text_of(alice, "/knowledge/shop/languages/")

    assert "The embedding model knows English well" in page
    assert "The embedding model hardly knows Hebrew" in page
    assert page.count("100.0%") == 4
    assert "missing: Hebrew" in page


def test_pages_ask_the_database_no_more_for_more_questions(
    alice: Client, shop: Collection, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        must_find(shop.documents.get(name="file0.md"), f"{QUESTION} {number}")
    try_draft(shop)

    with django_assert_max_num_queries(40):  # type: ignore[operator]
        alice.get(f"{PAGE}?tab=same")
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        alice.get(GOLDEN)


def test_a_question_of_a_conversation_fills_the_form_and_keeps_where_it_came_from(
    alice: Client, shop: Collection
) -> None:
    document = shop.documents.get(name="file1.md")
    data = {"text": "When does the ferry go?", "document": document.pk, "origin": "transcript"}

    page = alice.post(f"{GOLDEN}start/", data).content.decode()

    assert "When does the ferry go?" in page
    assert f'<option value="{document.pk}" selected>' in page
    assert shop.golden_questions.count() == 2
    alice.post(f"{GOLDEN}new/", data | {"expectation": "find", "is_active": "on"})
    assert shop.golden_questions.get(text="When does the ferry go?").origin == "transcript"


def test_the_form_is_not_filled_from_a_document_one_may_not_manage(bob: Client, shop: Collection) -> None:
    document = shop.documents.get(name="file1.md")

    response = bob.post(f"{GOLDEN}start/", {"text": "When?", "document": document.pk})

    assert response.status_code in {403, 404}
