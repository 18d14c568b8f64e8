"""Other people's conversations, as support staff read them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF, give_role
from chat.models import Assistant, Conversation, Message, MessageRole

pytestmark = pytest.mark.django_db


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def staff() -> User:
    user = User.objects.create_user("dana", "dana@example.org", "x")
    give_role(user, SUPPORT_STAFF)
    return user


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", "alice@example.org", "x")


@pytest.fixture
def support() -> Assistant:
    return Assistant.objects.create(slug="support", name="Shop support")


def conversation(
    assistant: Assistant, user: User | None, title: str, *, answer: str = "Within 30 days.", age_days: int = 0
) -> Conversation:
    when = timezone.now() - timedelta(days=age_days)
    made = Conversation.objects.create(
        assistant=assistant, user=user, guest_key="" if user else "secret", title=title, updated_at=when
    )
    question = Message.objects.create(conversation=made, role=MessageRole.USER, text=title)
    source = {
        "n": 1,
        "title": "Returns",
        "page": 2,
        "excerpt": "You may return it within 30 days.",
        "url": "/knowledge/x/",
    }
    unused = source | {"n": 2, "title": "Delivery"}
    Message.objects.create(
        conversation=made,
        parent=question,
        role=MessageRole.ASSISTANT,
        text=answer,
        finish_reason="stop",
        sources=[source, unused],
        citations=[{"n": 1, "document": "x", "start": 0, "end": 5}],
    )
    return made


def test_the_list_says_who_asked_whom_how_much_and_how_it_ended(
    staff: User, alice: User, support: Assistant
) -> None:
    conversation(support, alice, "Returning a lamp")
    conversation(support, None, "A guest's question")

    page = browser_of(staff).get("/review/").content.decode()

    for words in (
        "Returning a lamp",
        "Shop support",
        "alice",
        "A guest&#x27;s question",
        "Guest",
        "Answered",
    ):
        assert words in page
    assert '<td class="end opt num">2</td>' in page
    assert "2 conversations" in page
    assert "secret" not in page


def test_the_newest_conversation_comes_first(staff: User, alice: User, support: Assistant) -> None:
    conversation(support, alice, "Old one", age_days=2)
    conversation(support, alice, "New one", age_days=1)

    page = browser_of(staff).get("/review/").content.decode()

    assert page.index("New one") < page.index("Old one")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "lamp"}, {"Returning a lamp"}),
        ({"q": "PARCEL"}, {"Where is it"}),
        ({"assistant": "tutor"}, {"Photosynthesis"}),
        ({"since": "yesterday"}, {"Returning a lamp", "Where is it"}),
        ({"until": "yesterday"}, {"Photosynthesis"}),
        ({"q": "100%"}, set()),
        ({"since": "not a date", "q": "lamp"}, {"Returning a lamp"}),
    ],
)
def test_the_list_is_filtered(
    staff: User, alice: User, support: Assistant, query: dict[str, str], expected: set[str]
) -> None:
    tutor = Assistant.objects.create(slug="tutor", name="Tutor")
    conversation(support, alice, "Returning a lamp")
    conversation(support, None, "Where is it", answer="The parcel left yesterday.")
    conversation(tutor, alice, "Photosynthesis", age_days=5)
    day = (timezone.localdate() - timedelta(days=1)).isoformat()
    query = {name: day if value == "yesterday" else value for name, value in query.items()}

    page = browser_of(staff).get("/review/", query).content.decode()

    titles = {"Returning a lamp", "Where is it", "Photosynthesis"}
    assert {title for title in titles if f">{title}</a>" in page} == expected


def test_the_list_is_paged_and_keeps_its_filter(staff: User, alice: User, support: Assistant) -> None:
    for n in range(31):
        conversation(support, alice, f"Lamp {n}", age_days=n)

    browser = browser_of(staff)
    first = browser.get("/review/?q=lamp").content.decode()
    second = browser.get("/review/?q=lamp&page=2").content.decode()
    beyond = browser.get("/review/?page=999")

    assert "?q=lamp&amp;page=2" in first
    assert "Page 1 of 2" in first
    assert ">Lamp 30</a>" in second
    assert ">Lamp 29</a>" not in second
    assert beyond.status_code == 200


def test_the_list_takes_the_same_queries_for_any_number(
    staff: User, alice: User, support: Assistant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(12):
        conversation(support, alice, f"Lamp {n}")
    browser = browser_of(staff)

    with django_assert_num_queries(8):
        browser.get("/review/")


def test_a_transcript_shows_every_message_with_its_sources(
    staff: User, alice: User, support: Assistant
) -> None:
    made = conversation(
        support, alice, "Returning <i>it</i>", answer="Within 30 days.\n<script>alert(1)</script>"
    )

    page = browser_of(staff).get(f"/review/{made.pk}/").content.decode()

    assert "Returning &lt;i&gt;it&lt;/i&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "2 sources were read" in page
    assert "You may return it within 30 days." in page
    assert "page 2" in page
    assert "read, not cited" in page


def test_a_transcript_takes_the_same_queries_for_any_length(
    staff: User, alice: User, support: Assistant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = conversation(support, alice, "Returning a lamp")
    for n in range(20):
        Message.objects.create(conversation=made, role=MessageRole.USER, text=f"And {n}?")
    browser = browser_of(staff)

    with django_assert_num_queries(11):
        browser.get(f"/review/{made.pk}/")


def test_each_look_at_a_transcript_is_written_down(staff: User, alice: User, support: Assistant) -> None:
    made = conversation(support, alice, "Returning a lamp")
    browser = browser_of(staff)

    browser.get(f"/review/{made.pk}/")
    browser.get(f"/review/{made.pk}/")

    rows = AuditEntry.objects.values_list("actor__username", "verb", "subject", "address")
    assert list(rows) == [("dana", "transcript.view", f"conversation:{made.pk}", "127.0.0.1")] * 2


@pytest.mark.parametrize("role", ["", KNOWLEDGE_ADMINISTRATORS])
def test_a_stranger_finds_nothing_and_learns_nothing(alice: User, support: Assistant, role: str) -> None:
    made = conversation(support, alice, "Returning a lamp")
    bob = User.objects.create_user("bob", "bob@example.org", "x")
    if role:
        give_role(bob, role)
    browser = browser_of(bob)

    foreign = browser.get(f"/review/{made.pk}/")
    missing = browser.get("/review/00000000-0000-4000-8000-000000000000/")

    assert browser.get("/review/").status_code == 404
    assert foreign.status_code == missing.status_code == 404
    assert not AuditEntry.objects.exists()


def test_a_guest_is_asked_to_sign_in(client: Client) -> None:
    assert client.get("/review/").status_code == 302


def test_a_guests_conversations_come_along_at_sign_in(client: Client, support: Assistant) -> None:
    User.objects.create_user("bob", "bob@example.org", "correct horse battery")
    session = client.session
    session["guest"] = "mine"
    session.save()
    mine = Conversation.objects.create(assistant=support, guest_key="mine")
    other = Conversation.objects.create(assistant=support, guest_key="another guest's")

    client.post("/accounts/login/", {"username": "bob", "password": "correct horse battery"})

    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.user == User.objects.get(username="bob")
    assert mine.guest_key == ""
    assert other.user is None
    assert "guest" not in client.session


def test_a_guests_conversations_come_along_at_sign_up(client: Client, support: Assistant) -> None:
    session = client.session
    session["guest"] = "mine"
    session.save()
    mine = Conversation.objects.create(assistant=support, guest_key="mine")
    password = "correct horse battery"

    client.post(
        "/accounts/signup/",
        {"username": "bob", "email": "bob@example.org", "password1": password, "password2": password},
    )

    mine.refresh_from_db()
    assert mine.user == User.objects.get(username="bob")


def test_an_answer_is_drawn_as_its_reader_saw_it(staff: User, support: Assistant) -> None:
    asked = conversation(support, None, "How long?", answer="> Within **30 days**. [1]\n\n<b>not markup</b>")
    reply = asked.messages.get(role=MessageRole.ASSISTANT)

    page = browser_of(staff).get(f"/review/{asked.pk}/").content.decode()

    assert "<blockquote" in page
    assert "<strong>30 days</strong>" in page
    assert f'href="#source-{reply.pk}-1"' in page
    assert f'id="source-{reply.pk}-1"' in page
    assert "<b>not markup</b>" not in page
