"""What the tests of the models page share."""

from django.test import Client

from accounts.models import User
from tests.environment import ROOT

TINY = ROOT / "tests" / "fixtures" / "tiny-phi3"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def article(page: str, name: str) -> str:
    """Cut one row out of a page."""
    return page.split(f'id="{name}"', 1)[1].split("</article>", 1)[0]
