"""What a reader sees when something is not there or not allowed."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_missing_page_stands_in_the_frame(client: Client) -> None:
    response = client.get("/nothing/here/")

    assert response.status_code == 404
    page = response.content.decode()
    assert "Nothing is here" in page
    assert 'class="spine"' in page


@pytest.mark.parametrize("name", ["400.html", "403_csrf.html", "500.html"])
def test_the_pages_for_broken_requests_need_nothing_of_the_request(name: str) -> None:
    page = render_to_string(name)

    assert "To the chat" in page
    assert "style=" not in page
    assert "<form" not in page


@pytest.mark.parametrize("address", ["/accounts/email/", "/accounts/confirm-email/"])
def test_pages_of_allauth_that_the_site_does_not_use_are_not_there(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404
