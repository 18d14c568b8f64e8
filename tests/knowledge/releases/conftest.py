"""Who visits, and a data directory for each test."""

from tests.knowledge.people import alice, bob
from tests.knowledge.stores import own_stores

__all__ = ["alice", "bob", "own_stores"]
