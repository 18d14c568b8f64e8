"""How often one visitor may ask. RATE_LIMITS=off turns it off, for measurements."""

import logging
import time

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from chat.errors import RateLimited
from chat.visitors import Visitor

logger = logging.getLogger(__name__)

WINDOW_S = 60
SIGNED_IN_PER_WINDOW = 30
GUEST_PER_WINDOW = 12
ADDRESS_PER_WINDOW = 120


def check_rate(visitor: Visitor, address: str = "", *, of: str = "sends") -> None:
    """Count one send, or one of something else that is counted for itself. Raises: RateLimited.

    Guests are counted by session and by address too: a new session costs nothing.
    """
    if not settings.RATE_LIMITS:
        return
    is_guest = visitor.user_id is None
    _count(f"{of}:{visitor.owner}", GUEST_PER_WINDOW if is_guest else SIGNED_IN_PER_WINDOW)
    if is_guest and address:
        _count(f"{of}:a:{address}", ADDRESS_PER_WINDOW)


def _count(what: str, limit: int) -> None:
    key = f"{what}:{int(time.time()) // WINDOW_S}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW_S)
        count = cache.incr(key)
    except (RedisError, OSError, ValueError) as exc:  # ValueError: thrown out to make room in between
        logger.warning("%s is not counted: %s", what.partition(":")[0], exc)
        return
    if count > limit:
        raise RateLimited(what)
