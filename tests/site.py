"""Fixtures that start the real site."""
