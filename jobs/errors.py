"""What the queue refuses.

JobError            code job_error
├── QueueFull       code queue_full       too many jobs wait already (retryable)
└── LogUnavailable  code log_unavailable  the event log is away (retryable)
"""

from django.utils.translation import gettext_lazy as _


class JobError(Exception):
    """Base of what jobs raise."""

    code = "job_error"
    retryable = False
    user_message = _("This could not be queued. Try again.")


class QueueFull(JobError):
    """Too many jobs wait already: how many, and in how many seconds there may be room (None = unknown)."""

    code = "queue_full"
    retryable = True
    user_message = _(
        "Too many questions are waiting at the moment. Yours was not sent. Try again in a few minutes."
    )

    def __init__(self, waiting: int, room_in_s: float | None) -> None:
        """Keep the two numbers."""
        super().__init__(f"{waiting} jobs wait")
        self.waiting = waiting
        self.room_in_s = room_in_s


class LogUnavailable(JobError):
    """The event log cannot be reached."""

    code = "log_unavailable"
    retryable = True


class LeaseLost(Exception):
    """Another worker has the job now, or it is over: stop without writing anything."""
