"""Pictures over HTTP: upload, look at, take back, and who may."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as site_settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.roles import SUPPORT_STAFF, give_role
from chat import limits
from chat.adoption import adopt
from chat.attachments import keeping, sweeping
from chat.models import Assistant, Attachment, Conversation, Message, MessageRole
from chat.visitors import Visitor
from jobs import worker
from tests.chat.pictures import ADDRESS, account, browser_of, opened, picture, upload, uploaded
from tests.chat.talk import guest, make_assistant, make_user
from tests.knowledge.stores import own_stores

__all__ = ["own_stores"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _support(own_stores: Path, transactional_db: None) -> None:
    make_assistant()
    cache.clear()


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
    give_role(account(person), SUPPORT_STAFF)
    return person


def files() -> list[str]:
    """Every file kept for a picture."""
    directory = Path(site_settings.MEDIA_ROOT) / "attachments"
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def test_an_upload_is_answered_with_its_id_its_size_and_its_address() -> None:
    answer = upload(browser_of(guest()), picture(64, 48), "kitchen.png")

    assert answer.status == 201
    kept = Attachment.objects.get()
    assert answer.body == {
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


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"%PDF-1.7 no picture", 415, "unsupported_type"),
        (picture()[:60], 422, "bad_image"),
        (picture(2100, 100), 422, "bad_shape"),
        (b"", 415, "unsupported_type"),
    ],
)
def test_a_refusal_says_why_and_keeps_nothing(data: bytes, status: int, code: str) -> None:
    answer = upload(browser_of(guest()), data)

    assert (answer.status, answer.code) == (status, code)
    assert answer.body["user_message"].endswith(".")
    assert (Attachment.objects.count(), files()) == (0, [])


def test_too_large_an_upload_is_cut_off(settings: Settings) -> None:
    settings.MAX_IMAGE_MB = 1
    browser = browser_of(guest())

    at_the_limit = upload(browser, picture() + bytes(1024 * 1024 - len(picture())))
    beyond = upload(browser, picture() + bytes(1024 * 1024))

    assert at_the_limit.status == 201
    assert (beyond.status, beyond.code) == (413, "too_large")
    assert "1 MB" in beyond.body["user_message"]


def test_a_refusal_is_said_in_the_readers_language() -> None:
    browser = browser_of(guest())

    english, hebrew = (
        browser.post(ADDRESS, headers={"Accept-Language": code}).json() for code in ("en", "he")
    )

    assert english == {"code": "no_file", "user_message": "Choose a picture first."}
    assert hebrew["code"] == "no_file"


def test_an_upload_without_a_token_is_refused() -> None:
    visitor = guest()
    browser = browser_of(visitor)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies

    without = upload(strict)
    strict.cookies["csrftoken"] = "a" * 32
    file = SimpleUploadedFile("photo.png", picture())
    with_it = strict.post(ADDRESS, {"file": file}, headers={"X-CSRFToken": "a" * 32})
    there = Attachment.objects.get()

    assert (without.status, with_it.status_code) == (403, 201)
    assert strict.delete(there.url).status_code == 403
    assert strict.delete(there.url, headers={"X-CSRFToken": "a" * 32}).status_code == 204


def test_nobody_uploads_without_a_session_or_with_nobody_to_ask() -> None:
    unknown = upload(Client())
    Assistant.objects.update(is_public=False)
    locked_out = upload(browser_of(guest()))

    for answer in (unknown, locked_out):
        assert (answer.status, answer.code) == (404, "not_found")
    assert upload(browser_of(make_user("alice"))).status == 201


def test_uploads_are_counted_for_themselves(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = True
    monkeypatch.setattr(limits, "WINDOW_S", 10**9)  # no minute begins while this runs
    monkeypatch.setattr(limits, "GUEST_PER_WINDOW", 1)
    visitor = guest()
    browser = browser_of(visitor)

    first, second = upload(browser, b"no picture"), upload(browser, b"no picture")

    assert (first.status, second.status, second.code) == (415, 429, "rate_limited")
    limits.check_rate(visitor)  # a question may still be sent


def test_pictures_that_are_never_sent_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MAX_UNSENT", 2)
    visitor = guest()
    browser = browser_of(visitor)
    kept = [uploaded(visitor) for _time in range(2)]

    refused = upload(browser)
    browser.delete(kept[0].url)

    assert (refused.status, refused.code) == (409, "too_many")
    assert upload(browser).status == 201
    assert upload(browser_of(guest())).status == 201


def test_a_full_disk_is_said_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(keeping, "KEEP_FREE_BYTES", 10**18)
    no_room = upload(browser_of(guest()))
    monkeypatch.undo()
    (Path(settings.MEDIA_ROOT)).mkdir(parents=True, exist_ok=True)
    (Path(settings.MEDIA_ROOT) / "attachments").write_text("in the way")
    cannot_write = upload(browser_of(guest()))

    settings.FILE_UPLOAD_TEMP_DIR = str(Path(settings.MEDIA_ROOT) / "attachments")
    cannot_receive = upload(browser_of(guest()))

    for answer in (no_room, cannot_write, cannot_receive):
        assert (answer.status, answer.code) == (507, "storage_full")
    assert Attachment.objects.count() == 0


def test_a_picture_that_was_not_sent_can_be_taken_back() -> None:
    visitor = guest()
    kept = uploaded(visitor)

    answer = browser_of(visitor).delete(kept.url)

    assert (answer.status_code, Attachment.objects.count(), files()) == (204, 0, [])
    assert browser_of(visitor).get(kept.url).status_code == 404


def test_a_picture_that_was_sent_stays_with_its_question() -> None:
    visitor = guest()
    kept = sent(uploaded(visitor), visitor)

    answer = browser_of(visitor).delete(kept.url)

    assert (answer.status_code, answer.json()["code"]) == (409, "already_sent")
    assert browser_of(visitor).get(kept.url).status_code == 200


def test_a_guest_who_signs_in_keeps_pictures_sent_and_unsent() -> None:
    visitor, alice = guest(), make_user("alice")
    before, draft = sent(uploaded(visitor), visitor), uploaded(visitor)

    adopt(account(alice), visitor.guest_key)

    for kept in (before, draft):
        assert browser_of(alice).get(kept.url).status_code == 200
        assert browser_of(visitor).get(kept.url).status_code == 404
    assert sent(draft, alice).message is not None


@pytest.mark.parametrize("what", ["message", "conversation", "assistant", "account"])
def test_a_picture_goes_with_what_it_belongs_to(what: str) -> None:
    alice = make_user("alice")
    kept = sent(uploaded(alice), alice)
    assert files()

    assert kept.message is not None
    conversation = kept.message.conversation
    rows = {
        "message": kept.message,
        "conversation": conversation,
        "assistant": conversation.assistant,
        "account": account(alice),
    }
    rows[what].delete()

    assert (Attachment.objects.count(), files()) == (0, [])


def test_a_deletion_that_is_undone_keeps_the_file() -> None:
    visitor = guest()
    kept = uploaded(visitor)

    with transaction.atomic():
        Attachment.objects.get(pk=kept.pk).delete()
        transaction.set_rollback(True)

    assert browser_of(visitor).get(kept.url).status_code == 200


def test_a_process_that_dies_before_the_file_leaves_only_a_row_that_the_sweep_removes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upload_path = tmp_path / "upload"
    upload_path.write_bytes(picture())

    def die(path: Path, made: object) -> None:
        path.parent.mkdir(parents=True)
        path.with_suffix(".part").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keeping, "_write", die)
    with pytest.raises(KeyboardInterrupt):
        keeping.add(guest(), "a.png", upload_path)
    assert (Attachment.objects.count(), len(files())) == (1, 1)

    Attachment.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert sweeping.remove_unsent() == 1
    assert (Attachment.objects.count(), files()) == (0, [])


def test_the_sweep_removes_what_was_not_sent_for_a_day_and_nothing_else() -> None:
    visitor = guest()
    old, young = uploaded(visitor), uploaded(visitor)
    used = sent(uploaded(visitor), visitor)
    Attachment.objects.exclude(pk=young.pk).update(created_at=timezone.now() - timedelta(hours=25))

    sweeping.sweep()

    assert set(Attachment.objects.all()) == {young, used}
    assert files() == sorted(one.path.name for one in (young, used))
    assert not old.path.exists()


def test_the_sweep_removes_old_files_without_a_row_and_leaves_what_is_not_ours() -> None:
    kept = uploaded(guest())
    directory = kept.path.parent
    stray, part, fresh, foreign = (
        directory / name for name in (f"{uuid4()}.jpg", f"{uuid4()}.part", f"{uuid4()}.png", "notes.txt")
    )
    for path in (stray, part, fresh, foreign):
        path.write_bytes(b"x")
    for path in (kept.path, stray, part, foreign):
        os.utime(path, (1, 1))

    assert sweeping.remove_strays() == 2
    assert set(files()) == {kept.path.name, fresh.name, foreign.name}


def test_the_site_sweeps_once_an_hour_and_from_its_workers() -> None:
    cache.clear()
    worker.sweep()
    visitor = guest()
    uploaded(visitor)
    Attachment.objects.update(created_at=timezone.now() - timedelta(hours=25))

    sweeping.sweep()
    within_the_hour = Attachment.objects.count()
    cache.clear()
    worker.sweep()

    assert (within_the_hour, Attachment.objects.count()) == (1, 0)


def test_the_page_is_told_how_to_attach(settings: Settings) -> None:
    settings.MAX_IMAGES, settings.MAX_IMAGE_MB = 3, 2
    browser = browser_of(guest())

    quoting = browser.get("/chat/support/").context["attach"]
    Assistant.objects.update(engine="nothing-of-the-kind")
    broken = browser.get("/chat/support/").context["attach"]

    assert quoting == {
        "url": ADDRESS,
        "max_images": 3,
        "max_bytes": 2 * 1024 * 1024,
        "sees_images": False,
    }
    assert broken["sees_images"] is True


def test_staff_read_a_transcript_with_its_pictures_in_as_many_queries_as_without() -> None:
    alice = make_user("alice")
    browser = browser_of(staff())
    kept = sent(uploaded(alice, name='kitchen "1".png'), alice)
    assert kept.message is not None
    address = f"/review/{kept.message.conversation_id}/"
    with CaptureQueriesContext(connection) as few:
        page = browser.get(address).content.decode()
    for _time in range(3):
        more = Message.objects.create(
            conversation=kept.message.conversation, role=MessageRole.USER, text="And this?"
        )
        keeping.give_to(more, alice, [uploaded(alice).pk])
    with CaptureQueriesContext(connection) as many:
        browser.get(address)

    assert f'src="{kept.url}"' in page
    assert 'alt="kitchen &quot;1&quot;.png"' in page
    assert len(many) == len(few)


def test_no_assistant_gets_the_address_of_the_pictures() -> None:
    from chat.forms import AssistantForm

    person = account(make_user("alice"))
    form = AssistantForm({"name": "A", "slug": "attachments"}, user=person)

    assert "slug" in form.errors
