"""Releases: publish a collection's draft, roll back, what has changed, and the gate before it."""
