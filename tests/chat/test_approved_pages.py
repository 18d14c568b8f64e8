"""Approved answers on the pages of the chat and of support staff."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import SUPPORT_STAFF, give_role
from chat.models import Assistant, Conversation, Message, MessageRole
from knowledge.models import Collection, Visibility
from tests.chat.model_desk import browser_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    user = User.objects.create_user("dana", "dana@example.org", "x")
    give_role(user, SUPPORT_STAFF)
    return user


def talk(owner: User, *collections: Collection, **reply: object) -> Conversation:
    """Store a question with its answer."""
    assistant = Assistant.objects.create(slug="support", name="Shop support")
    assistant.collections.set(collections)
    made = Conversation.objects.create(assistant=assistant, user=owner, title="Returns")
    question = Message.objects.create(conversation=made, role=MessageRole.USER, text="How long?")
    values = {"text": "Within 30 days [1].", "finish_reason": "stop", **reply}
    Message.objects.create(conversation=made, parent=question, role=MessageRole.ASSISTANT, **values)
    return made


def approved(**more: object) -> dict[str, object]:
    """What the reply of an entry holds."""
    at = datetime(2026, 11, 12, 12, tzinfo=UTC)
    return {"engine": "approved", "approved": {"id": 7, "at": at.isoformat()}, **more}


def test_the_page_says_under_the_answer_that_it_was_approved_and_when(staff: User) -> None:
    made = talk(staff, **approved())

    page = browser_of(staff).get(f"/chat/support/{made.pk}/").content.decode()

    reply = page[page.index('data-role="reply"') : page.index("</article>")]
    assert "Approved by our team" in reply
    assert 'datetime="2026-11-12T' in reply
    assert re.search(r'data-do="again" hidden', reply)


def test_an_answer_of_a_model_has_no_such_mark(staff: User) -> None:
    made = talk(staff)

    page = browser_of(staff).get(f"/chat/support/{made.pk}/").content.decode()

    reply = page[page.index('data-role="reply"') : page.index("</article>")]
    assert "Approved by our team" not in reply


def test_a_transcript_shows_it_and_offers_no_second_approval(staff: User) -> None:
    made = talk(staff, Collection.objects.create(slug="handbook", name="Handbook"), **approved())

    page = browser_of(staff).get(f"/review/{made.pk}/").content.decode()

    assert "Approved answer of" in page
    assert "Approve as answer" not in page


def test_a_reply_becomes_the_draft_of_an_approved_answer(staff: User) -> None:
    made = talk(staff, Collection.objects.create(slug="handbook", name="Handbook"))
    client = browser_of(staff)
    form = client.get(f"/review/{made.pk}/").content.decode().split("/knowledge/answers/new/")[1]
    said = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    said["text"] = re.search(r'<textarea name="text" hidden>([^<]*)<', form)[1]  # type: ignore[index]

    page = client.post("/knowledge/answers/new/", said).content.decode()

    assert said["text"] == "Within 30 days."
    assert 'value="How long?"' in page
    assert "Within 30 days.</textarea>" in page


@pytest.mark.parametrize(
    "more", [{"finish_reason": "no_answer"}, {"text": ""}, {"finish_reason": "cancelled"}]
)
def test_only_a_whole_answer_may_be_approved(staff: User, more: dict[str, object]) -> None:
    made = talk(staff, Collection.objects.create(slug="handbook", name="Handbook"), **more)

    assert "Approve as answer" not in browser_of(staff).get(f"/review/{made.pk}/").content.decode()


def test_staff_who_may_not_read_the_collection_are_not_offered_to_approve(staff: User) -> None:
    hidden = Collection.objects.create(slug="hidden", name="Hidden", visibility=Visibility.GROUPS)
    made = talk(staff, hidden)

    assert "Approve as answer" not in browser_of(staff).get(f"/review/{made.pk}/").content.decode()


def test_the_preview_is_drawn_as_in_the_chat_and_safe(staff: User) -> None:
    said = {"text": "Within **30 days**.\n\n<script>alert(1)</script>"}

    page = browser_of(staff).post("/review/answer-preview/", said).content.decode()

    assert "<strong>30 days</strong>" in page
    assert "<script>" not in page
    assert Client().post("/review/answer-preview/", said).status_code == 302
