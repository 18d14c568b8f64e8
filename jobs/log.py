"""The site's event log: in this process's memory, or in a Redis Stream."""

from functools import cache

from django.conf import settings

from jobs.event_log import EventLog


@cache
def get_log() -> EventLog:
    """Return the site's log: Redis with REDIS_URL, else this process's memory."""
    if settings.REDIS_URL:
        from jobs.redis_log import RedisLog

        return RedisLog(settings.REDIS_URL)
    from jobs.memory_log import MemoryLog

    return MemoryLog()


def ping_log() -> bool:
    """Say whether the log can be written to and read."""
    return get_log().ping()
