"""Finding approved answers, on both databases."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from knowledge import approved
from knowledge.models import ApprovedAnswer, Collection, Visibility
from tests.knowledge.factories import make_collection

GUEST = AnonymousUser()


@pytest.fixture
def dana(any_database: str) -> User:
    """Who approves."""
    return User.objects.create_user("dana", "dana@example.org", "x")


def approve(collection: Collection, dana: User, question: str, **more: object) -> ApprovedAnswer:
    entry = ApprovedAnswer(collection=collection, question=question, text="Yes.", **more)
    return approved.approve(entry, dana)


def test_an_entry_is_found_as_long_as_it_stands(dana: User) -> None:
    entry = approve(make_collection(), dana, "Is it free?", wordings=["Do I pay for it?"])

    assert approved.find("is it free", user=GUEST) == entry
    assert approved.find("do I pay for it", user=GUEST) == entry

    entry.question, entry.wordings = "Is parking free?", []
    approved.approve(entry, dana)
    assert approved.find("is it free", user=GUEST) is None
    assert approved.find("Is the parking free?", user=GUEST) == entry

    entry.delete()
    assert approved.find("Is parking free?", user=GUEST) is None


def test_the_same_letters_win_over_the_same_meaning(dana: User) -> None:
    collection = make_collection()
    exact = approve(collection, dana, "How to return a kettle")
    approve(collection, dana, "How do I return a kettle?")

    assert approved.find("how to return a kettle?", user=GUEST) == exact


def test_the_newest_answers_where_several_do(dana: User) -> None:
    approve(make_collection("a"), dana, "Is it free?")
    newer = approve(make_collection("b"), dana, "Is it free?")

    assert approved.find("Is it free?", user=GUEST) == newer


def test_only_collections_that_are_asked_and_may_be_read_answer(dana: User) -> None:
    open_one = make_collection("open")
    closed = make_collection("closed", Visibility.SIGNED_IN)
    entry = approve(closed, dana, "Is it free?")

    assert approved.find("Is it free?", user=GUEST) is None
    assert approved.find("Is it free?", user=dana) == entry
    here = Collection.objects.filter(pk=open_one.pk)
    assert approved.find("Is it free?", user=dana, collections=here) is None


def test_nobody_pays_for_a_question_longer_than_any_entry(dana: User) -> None:
    approve(make_collection(), dana, "Is it free?")

    assert approved.find("Is it free? " + "word " * 1500, user=GUEST) is None


def test_a_question_costs_one_query_and_a_match_two(dana: User, django_assert_num_queries: object) -> None:
    collection = make_collection()
    for number in range(5):
        approve(collection, dana, f"Is model {number} free?")
    approved.find("anything", user=GUEST)

    with django_assert_num_queries(1):  # type: ignore[operator]
        approved.find("Is model 7 free?", user=GUEST)
    with django_assert_num_queries(2):  # type: ignore[operator]
        approved.find("Is model 3 free?", user=GUEST)


def test_an_entry_without_words_answers_nothing(dana: User) -> None:
    entry = approve(make_collection(), dana, "???")

    assert approved.find("?", user=dana) is None
    assert approved.find("???", user=dana) is None
    assert not approved.answers(entry, "...")
