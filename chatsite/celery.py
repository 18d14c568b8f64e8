"""The Celery application: `celery -A chatsite worker -Q inference|ingestion|background --pool threads`."""

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

app = Celery("chatsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_unfit_services(**_kwargs: object) -> None:
    """End a worker whose Redis may throw waiting work away; Celery would swallow any other exception."""
    from django.core.exceptions import ImproperlyConfigured

    from chatsite.checks import check_services

    try:
        check_services()
    except ImproperlyConfigured as exc:
        raise SystemExit(str(exc)) from exc
