"""Probes: /healthz (the process answers) and /readyz (it can do its work)."""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatsite import lifecycle
from inference.conf import get_engine
from inference.errors import EngineError
from jobs.log import ping_log
from knowledge import index
from knowledge.errors import KnowledgeError

CACHE_S = 2.0
_cached: tuple[float, dict[str, str]] = (0.0, {})


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say by class of component what works; 503 when something does not, and while draining."""
    global _cached
    if settings.IS_EMBEDDED and not lifecycle.is_warm():  # asking would load what the warm-up loads
        return _answer({"process": "warming up"})
    now = time.monotonic()
    if now - _cached[0] > CACHE_S:
        _cached = (now, {name: _state(probe) for name, probe in _PROBES.items()})
    parts = dict(_cached[1])
    if lifecycle.is_draining():
        parts["process"] = "draining"
    return _answer(parts)


def _answer(parts: dict[str, str]) -> JsonResponse:
    is_ready = all(state == "ok" for state in parts.values())
    answer = JsonResponse({"ready": is_ready, "parts": parts}, status=200 if is_ready else 503)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # "not yet" is no error for the log
    return answer


def _state(probe: Callable[[], bool]) -> str:
    try:
        return "ok" if probe() else "not ready"
    except (DatabaseError, EngineError, KnowledgeError, ConnectionError, OSError):
        return "failed"


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _vectors() -> bool:
    index.list_names()
    return True


def _engine() -> bool:
    # a scaled-out web process has no engine of its own; its workers answer for theirs
    return not settings.IS_EMBEDDED or get_engine().health().is_ready


_PROBES: dict[str, Callable[[], bool]] = {
    "database": _database,
    "broker": ping_log,
    "engine": _engine,
    "vectors": _vectors,
}
