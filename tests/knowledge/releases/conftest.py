"""Who visits, a data directory for each test, and a shop's collection."""

import pytest

from knowledge.models import Collection
from tests.knowledge.people import alice, bob
from tests.knowledge.releases.shop import (
    DELIVERY,
    HEBREW,
    HEBREW_QUESTION,
    QUESTION,
    RETURNS,
    make_shop,
    must_find,
    publish,
)
from tests.knowledge.stores import own_stores

__all__ = ["alice", "bob", "own_stores"]


@pytest.fixture
def shop(own_stores: object) -> Collection:
    """A collection with a release and two golden questions."""
    shop = make_shop(RETURNS, DELIVERY, HEBREW)
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    must_find(shop.documents.get(name="file2.md"), HEBREW_QUESTION)
    return publish(shop)
