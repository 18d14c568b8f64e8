"""The language a socket's reader uses, from the handshake: account, then cookie, then browser."""

from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.utils.translation import get_language_from_request


def language_of(scope: dict[str, Any]) -> str:
    """Return the language code of a WebSocket scope."""
    user = scope["user"]
    if user.is_authenticated and user.language:
        return str(user.language)
    return get_language_from_request(ASGIRequest({**scope, "method": "GET"}, BytesIO()))
