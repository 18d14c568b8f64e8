"""The one Celery task. Its message says that a slot may be free; which job runs is the database's word."""

from celery import shared_task

from jobs import worker


@shared_task(name="jobs.work")
def work(queue: str) -> None:
    """Run what waits in a queue."""
    worker.work(queue)
