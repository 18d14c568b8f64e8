"""The pages of a draft, and of its releases, as managers use them."""

import pytest
from django.contrib.auth.models import Group
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
    GOLDEN,
    GUEST,
    HEBREW_QUESTION,
    PAGE,
    QUESTION,
    RETURNS,
    make_shop,
    publish,
    replace,
    try_draft,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]


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
