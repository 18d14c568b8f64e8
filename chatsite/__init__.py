"""Wiring only: settings, addresses, processes."""

from chatsite.celery import app as celery_app

__all__ = ["celery_app"]
