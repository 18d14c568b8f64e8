"""The room as an installed app; Celery workers of a scaled-out site sweep as well."""

import threading
import time

from celery.signals import worker_ready, worker_shutting_down
from django.apps import AppConfig

GRACE_S = 25.0


class JobsConfig(AppConfig):
    """Named after its package."""

    name = "jobs"


@worker_ready.connect
def start_sweeper(**_kwargs: object) -> None:
    """Sweep beside a Celery worker; several at once do no harm. The embedded site has its own."""
    from jobs import embedded

    if not embedded.is_embedded():
        threading.Thread(target=_sweep_for_ever, name="sweeper", daemon=True).start()


@worker_shutting_down.connect
def end_in_time(**_kwargs: object) -> None:
    """Claim nothing more; what still runs after the grace goes back to the queue for another worker."""
    from jobs import embedded, worker

    if not embedded.is_embedded():
        worker.drain()
        timer = threading.Timer(GRACE_S, worker.give_back_all)
        timer.daemon = True
        timer.start()


def _sweep_for_ever() -> None:
    import logging

    from jobs import embedded, worker

    while True:
        try:
            worker.sweep()
        except Exception:  # the sweeper outlives a database that is away for a while
            logging.getLogger(__name__).exception("sweep failed; trying again")
        time.sleep(embedded.SWEEP_S)
