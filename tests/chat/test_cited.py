"""Answers that cite a document: indexed when they end, listed for support staff, counted for managers."""

from uuid import UUID

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF, give_role
from chat.cited import CitedSource, citing, count_by_text, count_replies
from chat.models import Conversation, Message
from jobs import worker
from knowledge.models import Document, Visibility
from tests.chat.talk import ask, guest, make_assistant, make_collection

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How long may I return a kettle?"


def browser_of(name: str, *roles: str) -> Client:
    user = User.objects.create_user(name, f"{name}@shop.example", "x")
    for role in roles:
        give_role(user, role)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def answered(visibility: str = Visibility.EVERYONE) -> tuple[Document, Message]:
    """Ask a question that is answered from the one document there is."""
    collection = make_collection(visibility=visibility)
    make_assistant("support", collection)
    reply = ask(guest(), QUESTION)
    worker.work("inference")
    reply.refresh_from_db()
    return collection.documents.get(), reply


def test_a_finished_answer_is_found_by_what_it_cites() -> None:
    document, reply = answered()

    cited = {citation["n"] for citation in reply.citations}
    keys = {source["chunk_sha256"] for source in reply.sources if source["n"] in cited}

    assert cited
    assert [pk for _at, pk in citing(document.pk)] == [reply.pk]
    assert set(CitedSource.objects.values_list("chunk_sha256", flat=True)) == keys
    assert count_replies(document.pk) == 1
    assert count_by_text(document.pk, [*keys, "0" * 64]) == dict.fromkeys(keys, 1)


def test_a_source_that_was_only_read_is_not_counted() -> None:
    _document, reply = answered()

    cited = {citation["n"] for citation in reply.citations}

    assert set(CitedSource.objects.values_list("n", flat=True)) == cited


def test_a_deleted_conversation_takes_its_citations_along() -> None:
    document, _reply = answered()

    Conversation.objects.all().delete()

    assert count_replies(document.pk) == 0


def test_support_staff_see_question_answer_and_the_way_there() -> None:
    document, reply = answered()
    dana = browser_of("dana", SUPPORT_STAFF)

    page = dana.get(f"/review/cited/{document.pk}/").content.decode()
    part = dana.get(f"/review/cited/{document.pk}/", headers={"HX-Request": "true"}).content.decode()

    assert QUESTION in page
    assert f"/review/{reply.conversation_id}/" in page
    assert "<html" not in part
    assert QUESTION in part
    assert AuditEntry.objects.filter(verb="transcript.cited").count() == 2


def test_nobody_else_sees_the_answers() -> None:
    document, _reply = answered()

    clients = [Client(), browser_of("bob"), browser_of("carl", KNOWLEDGE_ADMINISTRATORS)]
    answers = [client.get(f"/review/cited/{document.pk}/").status_code for client in clients]

    assert answers == [302, 404, 404]


def test_support_staff_who_may_not_read_a_collection_find_nothing() -> None:
    document, _reply = answered()
    document.collection.visibility = Visibility.GROUPS
    document.collection.save()

    answer = browser_of("dana", SUPPORT_STAFF).get(f"/review/cited/{document.pk}/")

    assert answer.status_code == 404


def test_managers_get_counts_and_only_staff_the_total() -> None:
    document, _reply = answered()
    sha256 = CitedSource.objects.values_list("chunk_sha256", flat=True)[0]
    chunk = document.chunks.get(sha256=sha256)
    address = f"/review/cited/{document.pk}/counts/?chunks={chunk.pk},x,999"

    manager = browser_of("carl", KNOWLEDGE_ADMINISTRATORS).get(address).content.decode()
    both = browser_of("dora", KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF).get(address).content.decode()

    assert f'id="cited-{chunk.pk}"' in manager
    assert "cited 1 time" in manager
    assert "cited-count" not in manager
    assert 'id="cited-count"' in both
    assert browser_of("bob").get(address).status_code == 404


def test_the_list_asks_as_much_for_many_answers_as_for_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    document, reply = answered()
    dana = browser_of("dana", SUPPORT_STAFF)
    source = CitedSource.objects.all()[0]
    for _ in range(30):
        copy = Message.objects.create(
            conversation=reply.conversation,
            parent=reply.parent,
            role=reply.role,
            text=reply.text,
            sources=reply.sources,
            citations=reply.citations,
        )
        CitedSource.objects.create(
            message=copy,
            n=1,
            document=UUID(str(document.pk)),
            chunk_sha256=source.chunk_sha256,
            created_at=copy.created_at,
        )

    with django_assert_max_num_queries(10):
        page = dana.get(f"/review/cited/{document.pk}/").content.decode()

    assert "1 to 20 of 31" in page
