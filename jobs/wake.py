"""Tell a worker that a slot may be free. The message may be lost or doubled; nothing depends on it."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

EXPIRES_S = 60


def wake(queue: str) -> None:
    """Send the message; a broker that is down is logged, and the sweep sends again."""
    try:
        current_app.send_task("jobs.work", args=[queue], queue=queue, expires=EXPIRES_S, retry=False)
    except (OperationalError, ConnectionError, OSError) as exc:
        logger.warning("broker not reachable, %s waits for the next sweep: %s", queue, exc)
