"""Language, theme and a person's own settings."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db


def test_a_guest_chooses_a_language(client: Client) -> None:
    client.post("/accounts/language/", {"language": "he", "next": "/accounts/login/"})

    assert 'lang="he" dir="rtl"' in client.get("/accounts/login/").content.decode()


def test_a_signed_in_person_keeps_the_language_on_every_browser(alices_browser: Client, alice: User) -> None:
    alices_browser.post("/accounts/language/", {"language": "ar"})
    other = Client()
    other.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert 'lang="ar" dir="rtl"' in other.get("/accounts/settings/").content.decode()


def test_an_unknown_language_changes_nothing(alices_browser: Client, alice: User) -> None:
    alices_browser.post("/accounts/language/", {"language": "xx"})

    alice.refresh_from_db()
    assert alice.language == ""


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
@pytest.mark.parametrize("switch", ["language", "theme"])
def test_a_switch_leads_to_no_other_site(client: Client, switch: str, target: str) -> None:
    assert client.post(f"/accounts/{switch}/", {"next": target})["Location"] == "/"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_server_writes_the_chosen_theme(client: Client, theme: str) -> None:
    client.post("/accounts/theme/", {"theme": theme})

    assert f'data-theme="{theme}"' in client.get("/accounts/login/").content.decode()


def test_the_system_decides_again(client: Client) -> None:
    client.post("/accounts/theme/", {"theme": "dark"})
    client.post("/accounts/theme/", {"theme": "system"})

    assert "data-theme=" not in client.get("/accounts/login/").content.decode().split("<head>")[0]


def test_a_made_up_theme_cookie_is_not_echoed(client: Client) -> None:
    client.cookies["theme"] = 'x"onload="'

    assert "onload" not in client.get("/accounts/login/").content.decode()


def test_a_person_saves_name_language_and_zone(alices_browser: Client, alice: User) -> None:
    fields = {"first_name": "Alice", "last_name": "Cohen", "language": "he", "time_zone": "Asia/Jerusalem"}

    response = alices_browser.post("/accounts/settings/", fields)

    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.language, alice.time_zone) == ("Alice Cohen", "he", "Asia/Jerusalem")


def test_a_time_zone_that_does_not_exist_is_refused(alices_browser: Client, alice: User) -> None:
    response = alices_browser.post("/accounts/settings/", {"time_zone": "Mars/Olympus"})

    assert response.status_code == 422
    alice.refresh_from_db()
    assert alice.time_zone == ""


def test_a_guest_is_asked_to_sign_in(client: Client) -> None:
    response = client.get("/accounts/settings/")

    assert response["Location"] == "/accounts/login/?next=/accounts/settings/"
