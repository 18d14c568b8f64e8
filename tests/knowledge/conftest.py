"""Documents with chunks, and both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django.plugin import DjangoDbBlocker

from tests.knowledge.people import alice, bob, private
from tests.knowledge.stores import collection, own_stores
from tests.postgres import PostgresServer, binaries

__all__ = ["alice", "bob", "collection", "own_stores", "private"]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server for the session."""
    if binaries() is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    server = PostgresServer()
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@contextmanager
def as_default(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the product's code talk to another database."""
    standing = connections["default"]
    connections["default"] = connection
    try:
        yield
    finally:
        connections["default"] = standing


@pytest.fixture(scope="session")
def postgresql_connection(
    postgresql_url: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """A migrated PostgreSQL database, not yet in use as the default one."""
    parts = urlsplit(postgresql_url)
    wrapper = DatabaseWrapper(
        connections["default"].settings_dict
        | {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": parts.username,
            "HOST": parts.hostname,
            "PORT": parts.port,
            "OPTIONS": {},
        }
    )
    with django_db_blocker.unblock(), as_default(wrapper):
        call_command("migrate", verbosity=0)
    yield wrapper
    with django_db_blocker.unblock():
        wrapper.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, db: None) -> Iterator[str]:
    """Run the test on each database; what it writes is rolled back."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with as_default(request.getfixturevalue("postgresql_connection")), transaction.atomic():
        yield "postgresql"
        transaction.set_rollback(True)
