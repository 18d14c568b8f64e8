"""The pages of a draft, its releases, its golden questions and its languages, as managers use them."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEntry
from jobs import worker
from knowledge import versions
from knowledge.models import Collection, Expectation, GoldenQuestion
from knowledge.releases import trial
from knowledge.retrieval import search
from tests.knowledge.people import person, signed_in, text_of
from tests.knowledge.releases.shop import (
    DELIVERY,
    GUEST,
    HEBREW,
    RETURNS,
    make_shop,
    must_find,
    must_refuse,
    publish,
    replace,
    try_draft,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
PAGE = "/knowledge/shop/release/"
GOLDEN = "/knowledge/shop/golden/"
QUESTION = "How long can a kettle be returned?"
HEBREW_QUESTION = "כמה זמן יש אחריות על קומקום חשמלי?"


@pytest.fixture
def shop() -> Collection:
    """A collection with a release and two golden questions."""
    shop = make_shop(RETURNS, DELIVERY, HEBREW)
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    must_find(shop.documents.get(name="file2.md"), HEBREW_QUESTION)
    return publish(shop)


def switch_off(shop: Collection, name: str) -> None:
    versions.enable_document(shop.documents.get(name=name), is_on=False)


def test_a_collection_without_releases_says_what_they_are(alice: Client) -> None:
    make_shop(RETURNS)

    page = text_of(alice, PAGE)

    assert "This collection has no releases yet." in page
    assert "No golden questions yet." in page
    assert "Publish release 1?" in page


def test_the_check_runs_in_the_background_and_the_page_follows_it(alice: Client, shop: Collection) -> None:
    replace(shop.documents.get(name="file0.md"), RETURNS.replace("thirty", "sixty"))

    alice.post(f"{PAGE}try/")
    assert "Being checked" in text_of(alice, PAGE)
    run = trial.unfinished(shop)
    assert run is not None
    assert "hx-get" in text_of(alice, f"{PAGE}progress/{run.pk}/")
    worker.work("background")

    assert alice.get(f"{PAGE}progress/{run.pk}/").headers["HX-Refresh"] == "true"
    page = text_of(alice, PAGE)
    assert "All rules met" in page
    assert "100.0%" in page
    assert "newer.md" in page or "Returns" in page


def test_a_draft_that_passed_is_published_with_one_click(alice: Client, shop: Collection) -> None:
    replace(shop.documents.get(name="file0.md"), RETURNS.replace("thirty", "sixty"))
    try_draft(shop)

    response = alice.post(f"{PAGE}publish/")

    assert response["Location"] == PAGE
    page = text_of(alice, PAGE)
    assert "Release 2 is live" in page
    assert "sixty" in search(QUESTION, user=GUEST).passages[0].text
    assert AuditEntry.objects.filter(verb="release.publish", subject="collection:shop release:2").exists()


def test_a_question_that_got_worse_stands_beside_what_is_live_with_its_cause(
    alice: Client, shop: Collection
) -> None:
    switch_off(shop, "file2.md")
    try_draft(shop)

    page = text_of(alice, PAGE)

    assert "Held:" in page
    assert HEBREW_QUESTION in page
    assert "Right document, rank 1" in page
    assert "Expected document not among the first 5" in page
    assert "“אחריות” is switched off in this draft." in page
    assert "See the question" in page


def test_a_held_draft_is_not_published_without_a_reason(alice: Client, shop: Collection) -> None:
    switch_off(shop, "file2.md")
    try_draft(shop)

    page = alice.post(f"{PAGE}publish/", follow=True).content.decode()

    assert "This draft has not passed." in page
    assert shop.releases.count() == 1


def test_a_held_draft_is_published_with_a_reason_that_everybody_sees(alice: Client, shop: Collection) -> None:
    switch_off(shop, "file2.md")
    try_draft(shop)
    assert "1 rule" in text_of(alice, f"{PAGE}publish/") or "rules are not met" in text_of(
        alice, f"{PAGE}publish/"
    )

    alice.post(f"{PAGE}publish/", {"reason": "The warranty ended."})

    assert "The warranty ended." in text_of(alice, PAGE)
    assert AuditEntry.objects.filter(verb="release.override").exists()


def test_rolling_back_takes_one_click_and_can_be_undone(alice: Client, shop: Collection) -> None:
    replace(shop.documents.get(name="file0.md"), RETURNS.replace("thirty", "sixty"))
    publish(shop)
    assert "sixty" in search(QUESTION, user=GUEST).passages[0].text

    back = alice.post(f"{PAGE}1/back/")

    assert "thirty" in search(QUESTION, user=GUEST).passages[0].text
    page = text_of(alice, back["Location"])
    assert "Undo" in page
    assert f"{PAGE}2/back/" in page
    alice.post(f"{PAGE}2/back/", {"undone": "1"})
    assert "sixty" in search(QUESTION, user=GUEST).passages[0].text


def test_releases_can_be_given_up_and_taken_up_again(alice: Client, shop: Collection) -> None:
    replace(shop.documents.get(name="file0.md"), RETURNS.replace("thirty", "sixty"))

    alice.post(f"{PAGE}off/")

    assert "sixty" in search(QUESTION, user=GUEST).passages[0].text
    assert "Not in use" in text_of(alice, PAGE)
    alice.post(f"{PAGE}1/back/")
    assert "thirty" in search(QUESTION, user=GUEST).passages[0].text


def test_a_new_answer_is_accepted_and_the_draft_tried_again(alice: Client, shop: Collection) -> None:
    switch_off(shop, "file2.md")
    result = try_draft(shop).results.get(question__text=HEBREW_QUESTION)

    alice.post(f"{GOLDEN}{result.question_id}/accept/", {"result": result.pk})
    worker.work("background")

    question = GoldenQuestion.objects.get(pk=result.question_id)
    assert (question.expectation, question.document) == (Expectation.REFUSE, None)
    assert "All rules met" in text_of(alice, PAGE)


def test_strangers_find_no_release_and_no_golden_question(bob: Client, shop: Collection) -> None:
    for url in (PAGE, GOLDEN, f"{GOLDEN}new/", "/knowledge/shop/languages/", f"{GOLDEN}export/"):
        assert bob.get(url).status_code in {403, 404}
    for url in (f"{PAGE}try/", f"{PAGE}publish/", f"{PAGE}1/back/", f"{PAGE}off/", f"{GOLDEN}import/"):
        assert bob.post(url, {"reason": "mine"}).status_code in {403, 404}

    assert shop.releases.count() == 1


def test_who_manages_another_collection_is_told_there_is_none(shop: Collection) -> None:
    other = make_shop(DELIVERY, slug="other")
    group = Group.objects.create(name="Others")
    other.managers.add(group)
    carol = person("carol")
    carol.groups.add(group)
    question = shop.golden_questions.first()
    assert question is not None

    assert signed_in(carol).get("/knowledge/other/release/").status_code == 200
    assert signed_in(carol).get(PAGE).status_code == 404
    assert signed_in(carol).get(f"/knowledge/other/golden/{question.pk}/").status_code == 404


def test_the_list_of_documents_says_that_the_draft_is_not_live(alice: Client, shop: Collection) -> None:
    assert "not live yet" not in text_of(alice, f"{PAGE}banner/")

    switch_off(shop, "file2.md")

    banner = text_of(alice, f"{PAGE}banner/")
    assert "Draft 2 is not live yet." in banner
    assert "One document changed since release 1." in banner
    try_draft(shop)
    assert "1 of 2 golden questions pass" in text_of(alice, f"{PAGE}banner/")


def test_a_golden_question_is_written_with_its_language_and_listed(alice: Client, shop: Collection) -> None:
    document = shop.documents.get(name="file2.md")
    data = {
        "text": "מה קורה עם נורה שבורה?",
        "expectation": "find",
        "document": document.pk,
        "is_active": "on",
    }

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
