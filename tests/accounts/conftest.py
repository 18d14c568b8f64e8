"""People for the tests of this room."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Rate limits are counted in the cache; each test starts from none."""
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    """Alice has an account."""
    return User.objects.create_user("alice", "alice@example.org", PASSWORD)


@pytest.fixture
def alices_browser(client: Client, alice: User) -> Client:
    """Alice is signed in."""
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    return client
