"""Where async code crosses over to the database."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Run a sync function in any free thread: one slow query must not hold up every socket."""
    return cast(
        "Callable[P, Coroutine[Any, Any, T]]", database_sync_to_async(function, thread_sensitive=False)
    )
