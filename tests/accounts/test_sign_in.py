"""The door: sign in, out, up, and what it refuses."""

import re

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_form_has_the_fields_that_scripts_fill_in(client: Client) -> None:
    page = client.get(LOGIN).content.decode()

    assert 'name="username"' in page
    assert 'name="password"' in page


@pytest.mark.parametrize("name", ["alice", "alice@example.org"])
def test_a_person_signs_in_by_name_or_address(client: Client, alice: User, name: str) -> None:
    response = client.post(LOGIN, {"username": name, "password": PASSWORD})

    assert response.status_code == 302
    assert response["Location"] == "/"
    assert signed_in(client)


def test_a_wrong_password_and_an_unknown_name_get_the_same_page(client: Client, alice: User) -> None:
    pages = []
    for name in ("alice", "nobody"):
        response = client.post(LOGIN, {"username": name, "password": "wrong"})
        assert response.status_code == 200
        text = re.sub(
            r'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken[^}]+', "", response.content.decode()
        )
        pages.append(text.replace(f'value="{name}"', ""))

    assert pages[0] == pages[1]
    assert "don’t match" in pages[0]
    assert not signed_in(client)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"]
)
def test_sign_in_leads_to_no_other_site(client: Client, alice: User, target: str) -> None:
    response = client.post(
        f"{LOGIN}?next={target}", {"username": "alice", "password": PASSWORD, "next": target}
    )

    assert response["Location"] == "/"


def test_sign_in_leads_back_to_where_it_was_asked_for(client: Client, alice: User) -> None:
    response = client.post(LOGIN, {"username": "alice", "password": PASSWORD, "next": "/accounts/settings/"})

    assert response["Location"] == "/accounts/settings/"


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    response = Client(enforce_csrf_checks=True).post(LOGIN, {"username": "alice", "password": PASSWORD})

    assert response.status_code == 403
    assert "open too long" in response.content.decode()


def test_sign_out_asks_first_and_happens_by_post(alices_browser: Client) -> None:
    assert alices_browser.get("/accounts/logout/").status_code == 200
    assert signed_in(alices_browser)

    alices_browser.post("/accounts/logout/")
    assert not signed_in(alices_browser)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_too_many_wrong_passwords_lock_the_name_from_that_address(
    client: Client, alice: User, settings: Settings, name: str
) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    for _try in range(3):
        client.post(LOGIN, {"username": name, "password": "wrong"})

    response = client.post(LOGIN, {"username": name, "password": PASSWORD})

    assert response.status_code == 429
    assert "Too many tries" in response.content.decode()
    assert int(response["Retry-After"]) > 0
    assert not signed_in(client)
    assert AccessAttempt.objects.get().username == name


def test_a_locked_name_is_open_from_another_address(client: Client, alice: User, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 2
    for _try in range(3):
        client.post(LOGIN, {"username": "alice", "password": "wrong"})

    client.post(LOGIN, {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="198.51.100.7")

    assert signed_in(client)


def sign_up(client: Client, **changes: str) -> object:
    fields = {"username": "bob", "email": "bob@example.org", "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", fields | changes)


def test_a_stranger_makes_an_account_and_is_signed_in(client: Client) -> None:
    sign_up(client)

    assert signed_in(client)
    assert User.objects.get().username == "bob"


@pytest.mark.parametrize("name", ["Alice", "аlice", "al\u200bice"])
def test_a_name_like_somebody_elses_is_refused(client: Client, alice: User, name: str) -> None:
    sign_up(client, username=name)

    assert User.objects.get() == alice


def test_sign_up_does_not_tell_whose_address_is_known(client: Client, alice: User) -> None:
    response = client.post(
        "/accounts/signup/",
        {"username": "bob", "email": "alice@example.org", "password1": PASSWORD, "password2": PASSWORD},
    )

    assert response.status_code == 302


def test_closed_sign_up_says_so(client: Client, settings: Settings) -> None:
    settings.SIGNUP = False

    page = client.get("/accounts/signup/").content.decode()
    sign_up(client)

    assert "Sign-up is closed" in page
    assert not User.objects.exists()


def test_a_forgotten_password_is_replaced_by_mail(client: Client, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link is not None

    form = client.get(link[1], follow=True)
    target = form.redirect_chain[-1][0]
    client.post(target, {"password1": "another long phrase", "password2": "another long phrase"})

    alice.refresh_from_db()
    assert alice.check_password("another long phrase")


def test_a_reset_for_an_unknown_address_looks_the_same_and_sends_nothing(client: Client, alice: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]


def test_a_changed_password_signs_out_other_browsers(alices_browser: Client, alice: User) -> None:
    other = Client()
    other.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    new = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}

    response = alices_browser.post("/accounts/password/change/", new)

    assert response["Location"] == "/accounts/settings/"
    assert alices_browser.get("/accounts/settings/").status_code == 200
    assert other.get("/accounts/settings/").status_code == 302


@pytest.mark.parametrize(
    "page",
    ["login/", "signup/", "logout/", "password/reset/", "password/reset/done/", "password/reset/key/done/",
     "password/reset/key/1-set-password/", "inactive/", "confirm-email/", "confirm-email/x/"],
)  # fmt: skip
def test_every_page_of_the_door_is_ours_and_free_of_inline_code(client: Client, page: str) -> None:
    response = client.get(f"/accounts/{page}", follow=True)
    html = response.content.decode()

    assert 'class="signin"' in html or 'class="app' in html
    assert "style=" not in html
    assert "<script>" not in html
    assert "onclick" not in html
    assert "default-src 'self'" in response["Content-Security-Policy"]
