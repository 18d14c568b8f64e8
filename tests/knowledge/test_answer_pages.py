"""The pages of approved answers: who may, what is kept, and what they say."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from accounts.roles import SUPPORT_STAFF
from knowledge import approved
from knowledge.models import ApprovedAnswer, Collection, Document
from tests.knowledge.factories import make_collection, make_document
from tests.knowledge.people import person, signed_in, text_of

FORM = {
    "question": "How do I return a kettle?",
    "text": "Within **30 days**.",
    "wordings": "",
    "document": "",
}


def page_of(collection: Collection) -> str:
    return reverse("knowledge:answers", args=[collection.slug])


def make_entry(collection: Collection, question: str = FORM["question"], **more: object) -> ApprovedAnswer:
    author, _new = User.objects.get_or_create(username="dana", defaults={"email": "dana@example.org"})
    return approved.approve(
        ApprovedAnswer(collection=collection, question=question, text=FORM["text"], **more), author
    )


def test_a_manager_writes_an_answer_that_is_active_at_once(alice: Client, collection: Collection) -> None:
    document = make_document(collection, "Return it.", title="Returns")
    written = {**FORM, "wordings": "Can it go back?\r\n\r\n can  it go back? \r\n", "document": "Returns"}

    answer = alice.post(f"{page_of(collection)}new/", written)

    assert answer.headers["Location"] == page_of(collection)
    entry = ApprovedAnswer.objects.get()
    assert (entry.question, entry.text, entry.is_active) == (FORM["question"], FORM["text"], True)
    assert entry.wordings == ["Can it go back?", "can it go back?"]
    assert entry.document == document
    assert entry.approved_by == User.objects.get(username="alice")
    assert AuditEntry.objects.filter(verb="answer.approve", subject=f"answer:{entry.pk}").exists()


def test_who_changes_an_answer_approves_it_anew(alice: Client, collection: Collection) -> None:
    entry = make_entry(collection, wordings=["Can it go back?"])

    shown = text_of(alice, f"{page_of(collection)}{entry.pk}/")
    alice.post(f"{page_of(collection)}{entry.pk}/", {**FORM, "text": "Within 60 days."})

    assert "Can it go back?" in shown
    changed = ApprovedAnswer.objects.get()
    assert (changed.text, changed.wordings) == ("Within 60 days.", [])
    assert changed.approved_by == User.objects.get(username="alice")
    assert changed.approved_at > entry.approved_at


@pytest.mark.parametrize("missing", ["question", "text"])
def test_an_answer_without_words_is_not_saved(alice: Client, collection: Collection, missing: str) -> None:
    answer = alice.post(f"{page_of(collection)}new/", {**FORM, missing: "  "})

    assert answer.status_code == 422
    assert not ApprovedAnswer.objects.exists()


@pytest.mark.parametrize("said", ["\u200b", "???", "\u202e \u2060", "…"])
@pytest.mark.parametrize("name", ["question", "wordings", "text"])
def test_marks_and_letters_nobody_sees_are_no_words(
    alice: Client, collection: Collection, name: str, said: str
) -> None:
    answer = alice.post(f"{page_of(collection)}new/", {**FORM, name: said})

    assert answer.status_code == 422
    assert "in words." in answer.content.decode()
    assert not ApprovedAnswer.objects.exists()


def test_a_question_that_is_answered_already_is_refused_by_name(
    alice: Client, collection: Collection
) -> None:
    make_entry(collection)

    answer = alice.post(f"{page_of(collection)}new/", {**FORM, "question": "How can I return the kettle"})

    assert answer.status_code == 422
    assert "is answered already by the entry “How do I return a kettle?”" in answer.content.decode()


def test_a_document_of_another_collection_is_not_found(alice: Client, collection: Collection) -> None:
    make_document(make_collection("other"), "Secret.", title="Secret plan")

    answer = alice.post(f"{page_of(collection)}new/", {**FORM, "document": "Secret plan"})

    assert "This collection has no document of this name." in answer.content.decode()
    assert "Secret plan" not in text_of(alice, f"{page_of(collection)}documents/?document=secret")


def test_the_list_finds_by_words_and_by_state(alice: Client, collection: Collection) -> None:
    make_entry(collection)
    off = make_entry(collection, "איך מאפסים סיסמה?", language="he")
    approved.switch(off, is_active=False)

    everything = text_of(alice, page_of(collection))

    assert "How do I return a kettle?" in everything
    assert "איך מאפסים סיסמה?" in everything
    assert "עברית" in everything
    assert "kettle" not in text_of(alice, f"{page_of(collection)}?state=off")
    assert "סיסמה" not in text_of(alice, f"{page_of(collection)}?state=active")
    assert "kettle" not in text_of(alice, f"{page_of(collection)}?q=סיסמה")


def test_the_list_asks_the_database_no_more_for_more_entries(
    alice: Client, collection: Collection, django_assert_max_num_queries: object
) -> None:
    for number in range(12):
        make_entry(collection, f"Question {number}?")

    with django_assert_max_num_queries(12):  # type: ignore[operator]
        alice.get(page_of(collection))


def test_an_entry_is_switched_off_and_on(alice: Client, collection: Collection) -> None:
    entry = make_entry(collection)
    url = f"{page_of(collection)}{entry.pk}/switch/"

    alice.post(url, {"active": "0"})
    assert not ApprovedAnswer.objects.get().is_active

    alice.post(url, {"active": "1"})
    assert ApprovedAnswer.objects.get().is_active


def test_an_entry_is_deleted_after_a_question(alice: Client, collection: Collection) -> None:
    entry = make_entry(collection)
    url = f"{page_of(collection)}{entry.pk}/delete/"

    assert "Delete this answer?" in text_of(alice, url)
    assert "<html" not in alice.get(url, headers={"HX-Request": "true"}).content.decode()
    alice.post(url)

    assert not ApprovedAnswer.objects.exists()


@pytest.mark.parametrize(
    ("question", "said"),
    [("how can I return my kettle", "Yes, it would answer."), ("How do I return a toaster?", "No: it asks")],
)
def test_trying_says_whether_the_entry_would_answer_and_saves_nothing(
    alice: Client, collection: Collection, question: str, said: str
) -> None:
    written = {**FORM, "try": "1", "tried": question}

    answer = alice.post(f"{page_of(collection)}new/", written, headers={"HX-Request": "true"})

    assert said in answer.content.decode()
    assert not ApprovedAnswer.objects.exists()


def test_trying_without_scripts_goes_by_what_is_saved(alice: Client, collection: Collection) -> None:
    entry = make_entry(collection)

    answer = alice.post(f"{page_of(collection)}{entry.pk}/", {"try": "1", "tried": "Return a kettle?"})

    page = answer.content.decode()
    assert "No: it asks" in page
    assert "Within **30 days**." in page


def test_the_list_says_which_entry_a_question_gets(alice: Client, collection: Collection) -> None:
    make_entry(collection)

    assert "Answered by" in text_of(alice, f"{page_of(collection)}?try=how+to+return+a+kettle")
    assert "No entry answers this." in text_of(alice, f"{page_of(collection)}?try=opening+hours")


def test_what_was_said_in_a_chat_opens_in_the_form(alice: Client, collection: Collection) -> None:
    said = {"collection": collection.slug, "question": "Is it <b>free</b>?", "text": "Yes."}

    page = alice.post(reverse("knowledge:answer-start"), said).content.decode()

    assert 'value="Is it &lt;b&gt;free&lt;/b&gt;?"' in page
    assert "Yes." in page
    assert not ApprovedAnswer.objects.exists()


@pytest.mark.parametrize("path", ["", "new/", "documents/", "1/", "1/delete/"])
def test_a_stranger_finds_nothing(bob: Client, collection: Collection, path: str) -> None:
    make_entry(collection, pk=1)

    assert bob.get(f"{page_of(collection)}{path}").status_code == 404
    assert Client().get(f"{page_of(collection)}{path}").status_code == 302


def test_a_stranger_changes_nothing(bob: Client, collection: Collection) -> None:
    entry = make_entry(collection)

    for path in ("new/", f"{entry.pk}/", f"{entry.pk}/switch/", f"{entry.pk}/delete/"):
        assert bob.post(f"{page_of(collection)}{path}", FORM).status_code == 404

    assert [one.text for one in ApprovedAnswer.objects.all()] == [entry.text]


def test_support_staff_write_answers_for_what_they_may_read(
    collection: Collection, private: Collection
) -> None:
    staff = signed_in(person("carol", SUPPORT_STAFF))

    assert staff.post(f"{page_of(collection)}new/", FORM).status_code == 302
    assert staff.post(f"{page_of(private)}new/", FORM).status_code == 404
    assert ApprovedAnswer.objects.get().collection == collection


def test_an_answer_outlives_its_document(alice: Client, collection: Collection) -> None:
    document = make_document(collection, "Return it.", title="Returns")
    entry = make_entry(collection, document=document)

    Document.objects.filter(pk=document.pk).delete()

    entry.refresh_from_db()
    assert entry.document is None
