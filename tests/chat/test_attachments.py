"""Pictures over HTTP: upload, look at, take back, and who may."""

from pathlib import Path
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.roles import SUPPORT_STAFF, give_role
from chat.attachments import keeping
from chat.models import Assistant, Attachment, Conversation, Message, MessageRole
from chat.visitors import Visitor
from tests.chat.pictures import ADDRESS, browser_of, opened, picture, upload, uploaded
from tests.chat.talk import guest, make_assistant, make_user
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> None:
    make_assistant()


def sent(attachment: Attachment, visitor: Visitor) -> Attachment:
    """Give a picture to a question of a new conversation."""
    conversation = Conversation.objects.create(
        assistant=Assistant.objects.get(), user_id=visitor.user_id, guest_key=visitor.guest_key
    )
    question = Message.objects.create(conversation=conversation, role=MessageRole.USER, text="What is this?")
    [given] = keeping.give_to(question, visitor, [attachment.pk])
    return given


def staff() -> Visitor:
    person = make_user("dana")
    give_role(User.objects.get(pk=person.user_id), SUPPORT_STAFF)
    return person


def files() -> list[str]:
    """Every file kept for a picture."""
    from django.conf import settings

    directory = Path(settings.MEDIA_ROOT) / "attachments"
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def test_an_upload_is_answered_with_its_id_its_size_and_its_address() -> None:
    answer = upload(browser_of(guest()), picture(64, 48), "kitchen.png")

    assert answer.status_code == 201
    kept = Attachment.objects.get()
    assert answer.json() == {
        "id": str(kept.pk),
        "name": "kitchen.png",
        "width": 64,
        "height": 48,
        "url": f"/chat/attachments/{kept.pk}/",
    }
    assert files() == [f"{kept.pk}.png"]
    assert kept.path.stat().st_mode & 0o777 == 0o600


def test_its_owner_is_shown_the_picture_with_headers_that_keep_it_a_picture() -> None:
    visitor = guest()
    kept = uploaded(visitor, picture(64, 48), "kitchen.webp")

    answer = browser_of(visitor).get(kept.url)

    shown = opened(answer.content)
    assert (shown.format, shown.size, shown.getpixel((9, 9))) == ("PNG", (64, 48), (255, 0, 0))
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == 'inline; filename="kitchen.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "private" in answer["Cache-Control"]


def test_a_strangers_picture_is_as_missing_as_none() -> None:
    owners, strangers = [guest(), make_user("alice")], [guest(), make_user("bob"), Visitor()]

    for kept in [uploaded(owner) for owner in owners]:
        for stranger in strangers:
            browser = browser_of(stranger)
            assert browser.get(kept.url).status_code == 404
            assert browser.delete(kept.url).status_code == 404
        assert kept.path.is_file()
    assert browser_of(owners[0]).get(f"{ADDRESS}{uuid4()}/").status_code == 404


def test_support_staff_see_what_was_sent_and_nothing_before() -> None:
    alice = make_user("alice")
    kept = uploaded(alice)
    browser = browser_of(staff())

    before = browser.get(kept.url).status_code
    sent(kept, alice)

    assert (before, browser.get(kept.url).status_code) == (404, 200)
    assert browser.delete(kept.url).status_code == 404
