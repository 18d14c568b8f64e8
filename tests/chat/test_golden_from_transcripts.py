"""What a transcript leads to: a golden question; and what an old answer was given."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF, give_role
from chat.models import Assistant, Conversation, Message, MessageRole
from chat.sources import source_items
from knowledge import versions
from knowledge.models import Collection
from knowledge.releases.publishing import publish
from knowledge.retrieval import search
from tests.knowledge.releases.shop import DELIVERY, GUEST, RETURNS, make_shop, replace
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
QUESTION = "How long can a kettle be returned?"


def staff(*roles: str) -> Client:
    user = User.objects.create_user("dana", "dana@example.org", "x")
    for role in roles:
        give_role(user, role)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def answered() -> Conversation:
    """A conversation whose answer cites a passage of release 1."""
    shop = make_shop(RETURNS, DELIVERY)
    publish(shop, by=None)
    shop.refresh_from_db()
    support = Assistant.objects.create(slug="support", name="Shop support")
    support.collections.add(shop)
    made = Conversation.objects.create(assistant=support, title="Kettle", guest_key="secret")
    asked = Message.objects.create(conversation=made, role=MessageRole.USER, text=QUESTION)
    Message.objects.create(
        conversation=made,
        parent=asked,
        role=MessageRole.ASSISTANT,
        text="Within thirty days. [1]",
        finish_reason="stop",
        sources=source_items(search(QUESTION, user=GUEST).passages),
        citations=[{"n": 1, "document": "", "start": 0, "end": 19}],
    )
    return made


def test_an_old_answer_shows_what_it_was_given_after_its_release_was_superseded() -> None:
    made = answered()
    shop = Collection.objects.get(slug="shop")
    document = shop.documents.get(name="file0.md")
    replace(document, RETURNS.replace("thirty", "sixty"))
    publish(shop, by=None)
    versions.enable_document(document, is_on=False)

    page = staff(SUPPORT_STAFF).get(f"/review/{made.pk}/").content.decode()

    assert "returned within thirty days" in page
    assert "from release 1" in page


def test_a_question_of_a_transcript_leads_to_the_form_of_a_golden_question() -> None:
    made = answered()
    manager = staff(SUPPORT_STAFF, KNOWLEDGE_ADMINISTRATORS)

    page = manager.get(f"/review/{made.pk}/").content.decode()

    assert "Add to golden set" in page
    assert 'action="/knowledge/shop/golden/start/"' in page
    assert f'name="text" value="{QUESTION}"' in page


def test_staff_who_manage_no_knowledge_are_not_offered_golden_questions() -> None:
    made = answered()

    assert "Add to golden set" not in staff(SUPPORT_STAFF).get(f"/review/{made.pk}/").content.decode()
