"""The chat's pages: who sees which, what a page says without any script."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chat.history import by_day, current_branch
from chat.models import Assistant, Conversation, Message, MessageRole, MessageStatus
from chat.views.words import catalogue
from knowledge.models import Collection, Document, DocumentStatus, Visibility

pytestmark = pytest.mark.django_db
CHAT_JS = Path(__file__).parents[2] / "static" / "js" / "chat"
SOURCE = {
    "n": 1,
    "document": str(uuid4()),
    "chunk": "c",
    "chunk_sha256": "s",
    "release": "",
    "title": "Warranty terms",
    "heading": "Cover",
    "page": 3,
    "excerpt": "Parts are covered for two years.",
    "score": 0.9,
    "url": "/knowledge/x/",
}


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", "alice@example.com", "pw", first_name="Alice")


@pytest.fixture
def support() -> Assistant:
    return Assistant.objects.create(
        slug="support",
        name="Shop support",
        is_public=True,
        greeting={"en": "How can I help?", "he": "במה אפשר לעזור?"},
        placeholder={"en": "Ask about an order"},
        starters={"en": [{"text": "How long is the warranty?", "hint": "Warranty"}]},
    )


@pytest.fixture
def tutor(support: Assistant) -> Assistant:
    return Assistant.objects.create(slug="tutor", name="Tutor", is_public=False)


def talk(assistant: Assistant, user: User, **reply: object) -> Conversation:
    """Make a conversation of one question and one answer."""
    conversation = Conversation.objects.create(assistant=assistant, user=user, title="Warranty")
    question = Message.objects.create(
        conversation=conversation,
        role=MessageRole.USER,
        text="How long is the <b>warranty</b>?",
        client_id=uuid4().hex,
    )
    values = {"text": "Parts are covered for **two** years [1].", "sources": [SOURCE], **reply}
    Message.objects.create(conversation=conversation, role=MessageRole.ASSISTANT, parent=question, **values)
    return conversation


def page_of(client: Client, conversation: Conversation) -> str:
    address = reverse("chat:conversation", args=[conversation.assistant.slug, conversation.pk])
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_first_address_leads_to_the_first_assistant_the_guest_may_use(
    client: Client, tutor: Assistant
) -> None:
    assert client.get("/").headers["Location"] == "/chat/support/"


def test_the_first_address_says_that_nothing_is_here_where_there_is_no_assistant(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert "Nothing here yet" in response.content.decode()


def test_an_administrator_without_an_assistant_gets_the_three_steps(admin_client: Client) -> None:
    page = admin_client.get("/").content.decode()

    assert "Add a document" in page
    assert "Make an assistant" in page
    assert "Install a model" in page


def test_the_first_address_asks_to_sign_in_where_no_assistant_is_public(
    client: Client, support: Assistant
) -> None:
    Assistant.objects.update(is_public=False)

    assert client.get("/").headers["Location"].startswith(reverse("account_login"))


def test_a_guest_who_opens_a_public_assistant_gets_a_session_of_their_own(
    client: Client, support: Assistant
) -> None:
    page = client.get("/chat/support/").content.decode()

    assert client.session["guest"]
    assert "How can I help?" in page
    assert 'placeholder="Ask about an order"' in page
    assert 'data-text="How long is the warranty?"' in page


def test_a_guest_is_asked_to_sign_in_for_an_assistant_that_is_not_public(
    client: Client, tutor: Assistant
) -> None:
    response = client.get("/chat/tutor/")

    assert response.status_code == 302
    assert response.headers["Location"] == f"{reverse('account_login')}?next=/chat/tutor/"


def test_an_assistant_that_does_not_exist_is_missing(client: Client, support: Assistant) -> None:
    assert client.get("/chat/nobody/").status_code == 404


def test_a_conversation_shows_question_and_answer_without_any_script(
    client: Client, alice: User, support: Assistant
) -> None:
    client.force_login(alice)

    conversation = talk(support, alice)

    page = page_of(client, conversation)

    assert "How long is the &lt;b&gt;warranty&lt;/b&gt;?" in page
    assert "<strong>two</strong>" in page
    assert 'class="cite"' in page
    assert f'data-client-id="{conversation.messages.first().client_id}"' in page  # type: ignore[union-attr]
    assert "Warranty terms" in page


def test_a_strangers_conversation_is_as_missing_as_one_that_does_not_exist(
    client: Client, alice: User, support: Assistant
) -> None:
    bob = User.objects.create_user("bob", "bob@example.com", "pw")
    conversation = talk(support, alice)
    client.force_login(bob)

    strange = client.get(f"/chat/support/{conversation.pk}/")
    missing = client.get(f"/chat/support/{uuid4()}/")

    assert strange.status_code == missing.status_code == 404


def test_a_guests_conversation_is_missing_for_another_guest(client: Client, support: Assistant) -> None:
    client.get("/chat/support/")
    conversation = Conversation.objects.create(assistant=support, guest_key=client.session["guest"])

    assert client.get(f"/chat/support/{conversation.pk}/").status_code == 200
    assert Client().get(f"/chat/support/{conversation.pk}/").status_code == 404


def test_a_conversation_is_missing_under_another_assistants_address(
    client: Client, alice: User, tutor: Assistant
) -> None:
    client.force_login(alice)
    conversation = talk(tutor, alice)

    assert client.get(f"/chat/support/{conversation.pk}/").status_code == 404


def test_a_pending_reply_is_left_for_the_script_to_resume(
    client: Client, alice: User, support: Assistant
) -> None:
    client.force_login(alice)
    conversation = talk(support, alice, status=MessageStatus.PENDING, text="Parts")

    page = page_of(client, conversation)

    assert 'data-status="pending"' in page
    assert "<p>Parts" not in page


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ({"status": MessageStatus.STOPPED, "finish_reason": "cancelled"}, "You stopped this answer."),
        ({"status": MessageStatus.FAILED, "error_code": "internal"}, "The answer could not be finished"),
        ({"finish_reason": "length"}, "The answer reached its length limit."),
        ({"finish_reason": "stop", "engine": "extractive"}, "No language model is installed"),
    ],
)
def test_how_a_reply_ended_is_said_under_it(
    client: Client, alice: User, support: Assistant, reply: dict[str, object], sentence: str
) -> None:
    client.force_login(alice)

    thread = page_of(client, talk(support, alice, **reply)).split("<template")[0]

    assert sentence in thread


def test_a_refusal_names_the_nearest_documents_and_is_no_failure(
    client: Client, alice: User, support: Assistant
) -> None:
    nearest = [{"document": "d", "title": "Grants 2026", "heading": "", "page": 4, "url": "/knowledge/d/"}]
    client.force_login(alice)

    page = page_of(client, talk(support, alice, finish_reason="no_answer", nearest=nearest))
    thread = page.split("<template")[0]

    assert "Closest documents" in thread
    assert "Grants 2026" in thread
    assert "state-none" not in thread


def test_the_page_counts_the_documents_this_reader_may_be_answered_from(
    client: Client, support: Assistant
) -> None:
    shared = Collection.objects.create(slug="all", name="All", visibility=Visibility.EVERYONE)
    inner = Collection.objects.create(slug="inner", name="Inner", visibility=Visibility.SIGNED_IN)
    support.collections.set([shared, inner])
    for collection, status in [
        (shared, DocumentStatus.READY), (shared, DocumentStatus.FAILED), (inner, DocumentStatus.READY)
    ]:  # fmt: skip
        Document.objects.create(collection=collection, name="a.md", status=status, sha256="0")

    page = client.get("/chat/support/").content.decode()

    assert 'data-documents="1"' in page
    assert "answers from 1 document" in page


def test_the_list_holds_the_readers_own_conversations_by_day(
    client: Client, alice: User, support: Assistant
) -> None:
    client.force_login(alice)
    old = talk(support, alice)
    Conversation.objects.filter(pk=old.pk).update(
        updated_at=timezone.now() - timedelta(days=400), title="Old one"
    )
    talk(support, alice)

    page = client.get("/chat/support/").content.decode()

    assert page.index("Today") < page.index("Old one")
    assert Client().get("/chat/support/").content.decode().count("Old one") == 0


def test_the_page_is_drawn_with_the_same_number_of_queries_however_long_the_list(
    client: Client, alice: User, support: Assistant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(alice)
    for _ in range(12):
        conversation = talk(support, alice)

    with django_assert_max_num_queries(24):
        page_of(client, conversation)


def test_a_hebrew_reader_gets_the_page_from_right_to_left(client: Client, support: Assistant) -> None:
    page = client.get("/chat/support/", headers={"accept-language": "he"}).content.decode()

    assert 'dir="rtl"' in page
    assert "במה אפשר לעזור?" in page


def test_no_page_carries_script_or_style_of_its_own(client: Client, alice: User, support: Assistant) -> None:
    client.force_login(alice)

    page = page_of(client, talk(support, alice))

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
    for attributes, _body in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
        assert "src=" in attributes or "application/json" in attributes


def test_every_sentence_the_scripts_ask_for_is_in_the_catalogue() -> None:
    words = catalogue()
    text = "".join(path.read_text(encoding="utf-8") for path in CHAT_JS.glob("*.js"))

    for key in set(re.findall(r'\bt\("([a-z_]+)"', text)):
        assert key in words["sentences"], key  # type: ignore[operator]
    for key in set(re.findall(r'\bn\("([a-z_]+)"', text)):
        assert key in words["plurals"], key  # type: ignore[operator]


def test_the_catalogue_can_be_read_by_a_script() -> None:
    with translation.override("ar"):
        words = json.loads(json.dumps(catalogue()))

    assert words["language"] == "ar"
    assert set(words["plurals"]["reading"]) == {"zero", "one", "two", "few", "many", "other"}


def test_the_branch_of_the_newest_leaf_is_shown_when_a_reply_was_written_again(
    alice: User, support: Assistant
) -> None:
    conversation = talk(support, alice, text="old")
    question = conversation.messages.get(role=MessageRole.USER)
    newer = Message.objects.create(
        conversation=conversation, role=MessageRole.ASSISTANT, parent=question, text="new"
    )

    branch = current_branch(list(conversation.messages.all()))

    assert [message.pk for message in branch] == [question.pk, newer.pk]


def test_no_messages_make_an_empty_branch() -> None:
    assert current_branch([]) == []


def test_conversations_are_grouped_by_the_readers_calendar(support: Assistant, alice: User) -> None:
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    conversation = Conversation(assistant=support, user=alice, updated_at=late)

    with timezone.override("Asia/Jerusalem"):
        assert [day.key for day in by_day([conversation], date(2026, 3, 11))] == ["today"]
    with timezone.override("UTC"):
        assert [day.key for day in by_day([conversation], date(2026, 3, 11))] == ["yesterday"]
        assert [day.key for day in by_day([conversation], date(2026, 3, 30))] == ["month"]
        assert [day.key for day in by_day([conversation], date(2026, 5, 1))] == ["2026-03"]
