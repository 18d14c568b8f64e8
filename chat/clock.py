"""Where the time of one reply goes."""

from datetime import datetime

from django.utils import timezone

from chat.events import TimingsItem
from chat.models import Message
from inference.types import Usage
from jobs.models import Job

MEASURABLE_S = 0.05


class Clock:
    """Times of one reply, in seconds since its question was accepted."""

    def __init__(self, reply: Message, job: Job) -> None:
        """Start when the job was claimed."""
        self._accepted_at = reply.created_at
        self._started_at = job.started_at or timezone.now()
        self._retrieval_s: float | None = None

    def retrieved(self) -> None:
        """Note that retrieval is done."""
        self._retrieval_s = (timezone.now() - self._started_at).total_seconds()

    def timings(self, first_delta_at: datetime | None, usage: Usage) -> TimingsItem:
        """Return the timings up to now."""
        now, first = timezone.now(), first_delta_at
        writing_s = (now - first).total_seconds() if first else 0.0
        return TimingsItem(
            queued_s=round((self._started_at - self._accepted_at).total_seconds(), 3),
            retrieval_s=round(self._retrieval_s, 3) if self._retrieval_s is not None else None,
            first_token_s=round((first - self._accepted_at).total_seconds(), 3) if first else None,
            total_s=round((now - self._accepted_at).total_seconds(), 3),
            tokens_per_s=round(usage.completion_tokens / writing_s, 1) if writing_s > MEASURABLE_S else None,
        )
