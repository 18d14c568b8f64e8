"""The one Celery task. Its message says that a slot may be free; which job runs is the database's word."""

from celery import shared_task
from django.db import close_old_connections

from jobs import worker


@shared_task(name="jobs.work")
def work(queue: str) -> None:
    """Run what waits in a queue."""
    close_old_connections()  # the in-process worker has nobody else to do it
    try:
        worker.work(queue)
    finally:
        close_old_connections()
