"""How knowledge administrators set up who answers."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import KNOWLEDGE_ADMINISTRATORS, SUPPORT_STAFF, give_role
from chat.forms import read_starters, write_starters
from chat.models import Assistant, Conversation
from knowledge.models import Collection, Visibility

pytestmark = pytest.mark.django_db


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin() -> User:
    user = User.objects.create_user("alice", "alice@example.org", "x")
    give_role(user, KNOWLEDGE_ADMINISTRATORS)
    return user


@pytest.fixture
def assistant() -> Assistant:
    found = Assistant.objects.create(
        slug="support", name="Shop support", greeting={"en": "Hello", "he": "שלום", "de": "Guten Tag"}
    )
    found.collections.add(Collection.objects.create(slug="handbook", name="Handbook"))
    return found


def fields(**changes: object) -> dict[str, object]:
    return {
        "name": "Shop support",
        "slug": "support",
        "language": "",
        "engine": "",
        "instructions": "Be brief.",
        "greeting_en": "What can we do for you?",
        "greeting_he": "במה אפשר לעזור?",
        "refusal_en": "I found nothing about that.",
        "starters_en": "How do I return a lamp? | Returns\n\nWhat does it cost?",
    } | changes


def test_starters_are_read_as_they_are_written() -> None:
    starters = [{"text": "How?", "hint": "Page 2"}, {"text": "Why | now?", "hint": ""}]

    assert read_starters("How? | Page 2\n  \nWhen?") == [starters[0], {"text": "When?", "hint": ""}]
    assert read_starters(write_starters(starters[:1])) == starters[:1]


def test_an_administrator_makes_an_assistant(admin: User) -> None:
    collection = Collection.objects.create(slug="handbook", name="Handbook")

    response = browser_of(admin).post("/assistants/new/", fields(collections=[collection.pk], is_public="on"))

    assert response["Location"] == "/assistants/support/"
    made = Assistant.objects.get()
    assert made.is_public
    assert list(made.collections.all()) == [collection]
    assert made.greeting == {"en": "What can we do for you?", "he": "במה אפשר לעזור?"}
    assert made.starters == {
        "en": [
            {"text": "How do I return a lamp?", "hint": "Returns"},
            {"text": "What does it cost?", "hint": ""},
        ]
    }


def test_texts_of_languages_the_site_no_longer_has_are_kept(admin: User, assistant: Assistant) -> None:
    browser_of(admin).post("/assistants/support/", fields())

    assistant.refresh_from_db()
    assert assistant.greeting["de"] == "Guten Tag"
    assert assistant.greeting["en"] == "What can we do for you?"


def test_a_refused_form_says_where_and_saves_nothing(admin: User, assistant: Assistant) -> None:
    Assistant.objects.create(slug="tutor", name="Tutor")

    response = browser_of(admin).post("/assistants/support/", fields(slug="tutor", name="Renamed"))

    assert response.status_code == 422
    page = response.content.decode()
    assert "aria-invalid" in page
    assert "Another assistant has this address." in page
    assert "<h1><bdi>Shop support</bdi></h1>" in page
    assistant.refresh_from_db()
    assert assistant.name == "Shop support"


def test_an_address_with_other_characters_is_refused_in_our_words(admin: User, assistant: Assistant) -> None:
    response = browser_of(admin).post("/assistants/support/", fields(slug="bad slug!"))

    assert response.status_code == 422
    assert "Use letters, digits, dashes and underscores only." in response.content.decode()


def test_more_starters_than_a_page_holds_are_refused(admin: User, assistant: Assistant) -> None:
    lines = "\n".join(f"Question {n}?" for n in range(9))

    response = browser_of(admin).post("/assistants/support/", fields(starters_he=lines))

    assert response.status_code == 422
    assert "Eight starters at most." in response.content.decode()


def test_the_preview_shows_the_form_as_it_stands_and_saves_nothing(admin: User, assistant: Assistant) -> None:
    response = browser_of(admin).post(
        "/assistants/preview/", fields(preview_language="he", greeting_he="ברוכים הבאים <b>")
    )

    page = response.content.decode()
    assert 'lang="he" dir="rtl"' in page
    assert "ברוכים הבאים &lt;b&gt;" in page
    assistant.refresh_from_db()
    assert assistant.greeting["he"] == "שלום"


def test_the_preview_works_while_the_form_has_errors(admin: User) -> None:
    response = browser_of(admin).post("/assistants/preview/", {"greeting_en": "Hi there"})

    assert response.status_code == 200
    assert "Hi there" in response.content.decode()


def test_the_preview_button_works_without_scripts(admin: User, assistant: Assistant) -> None:
    response = browser_of(admin).post("/assistants/support/", fields(preview="1", name="Renamed"))

    assert response.status_code == 200
    assert "What can we do for you?" in response.content.decode()
    assistant.refresh_from_db()
    assert assistant.name == "Shop support"


def test_collections_that_the_person_may_not_read_stay(assistant: Assistant) -> None:
    """Somebody with the permission alone, without being a knowledge administrator."""
    hidden = Collection.objects.create(slug="hidden", name="Hidden papers", visibility=Visibility.GROUPS)
    assistant.collections.set([hidden])
    editor = User.objects.create_user("bob", "bob@example.org", "x")
    editor.user_permissions.add(Permission.objects.get(codename="change_assistant"))
    bob = browser_of(editor)

    assert "Hidden papers" not in bob.get("/assistants/support/").content.decode()
    forged = bob.post("/assistants/support/", fields(collections=[hidden.pk]))
    saved = bob.post("/assistants/support/", fields())

    assert forged.status_code == 422
    assert saved.status_code == 302
    assert list(assistant.collections.all()) == [hidden]


def test_deleting_asks_first_and_names_what_is_lost(admin: User, assistant: Assistant) -> None:
    Conversation.objects.create(assistant=assistant, user=admin)
    browser = browser_of(admin)

    page = browser.get("/assistants/support/delete/").content.decode()
    assert "1 chat goes with it" in page
    assert Assistant.objects.exists()

    browser.post("/assistants/support/delete/")
    assert not Assistant.objects.exists()
    assert Collection.objects.exists()


@pytest.mark.parametrize("address", ["", "new/", "support/", "support/delete/", "nobody/", "nobody/delete/"])
@pytest.mark.parametrize("role", ["", SUPPORT_STAFF])
def test_a_stranger_finds_nothing_there(assistant: Assistant, address: str, role: str) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")
    if role:
        give_role(bob, role)

    assert browser_of(bob).get(f"/assistants/{address}").status_code == 404


def test_a_stranger_gets_no_preview(client: Client) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")

    assert browser_of(bob).post("/assistants/preview/", fields()).status_code == 404
    assert client.post("/assistants/preview/", fields()).status_code == 302


def test_the_list_takes_the_same_queries_for_any_number(
    admin: User, assistant: Assistant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = browser_of(admin)
    for n in range(5):
        other = Assistant.objects.create(slug=f"a{n}", name=f"Assistant {n}")
        other.collections.set(Collection.objects.all())

    with django_assert_num_queries(7):
        assert browser.get("/assistants/").status_code == 200
