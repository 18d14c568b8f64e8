"""From a server's refusal to our errors: status, body and headers of every kind of server we know. Pure.

Seen: `{"error": {"message", "type", "code"}}` (OpenAI, Azure, llama.cpp, newer vLLM), the same flat
with `"object": "error"` (older vLLM), `{"error": "text"}` (Ollama), `{"detail": …}` (FastAPI, NIM),
plain text and HTML (proxies).
"""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import at, items_at, parse, text_at
from inference.errors import (
    BadRequest,
    ContentRefused,
    ContextTooLong,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ModelNotFound,
    NotAuthorised,
    ServiceRetired,
)

MAX_DETAIL_CHARS: Final = 300
_CONTEXT: Final = re.compile(
    r"exceed_context_size|context_length_exceeded|context_exceeded|context size"
    r"|(maximum|max|available|model'?s?) context|context (length|window)|prompt is too long"
    r"|max_model_len|input length exceeds|larger than max_tokens|too many tokens",
    re.IGNORECASE,
)
_FILTERED: Final = re.compile(r"content_filter|ResponsibleAIPolicyViolation|content management policy", re.I)
_NO_MODEL: Final = re.compile(
    r"DeploymentNotFound|model_not_found|try pulling it|\bmodel\b.{0,200}?\b(not found|does not exist)",
    re.IGNORECASE | re.DOTALL,
)
_ENCODED: Final = re.compile(r"data:[\w/.+-]{0,40};base64,[^\s'\"]*|[A-Za-z0-9+/=]{100,}")
_BUSY: Final = re.compile(r"server busy|too many requests|overloaded|maximum pending requests", re.I)


def refusal(status: int, body: str, headers: Mapping[str, str]) -> UpstreamFailure:
    """Say what an HTTP status that is no success means."""
    what = f"HTTP {status}: {explain(body)}"
    wait_s = retry_after_s(headers)
    match status:
        case 401 | 403 if not _FILTERED.search(_signs(body)):
            return UpstreamFailure(NotAuthorised(what), status=status)
        case 410:
            return UpstreamFailure(ServiceRetired(f"the service was retired ({what})"), status=status)
        case 408 | 504:
            return UpstreamFailure(EngineTimeout(what), status=status, retries=1, wait_s=wait_s)
        case 413:
            return UpstreamFailure(ContextTooLong(what), status=status)
        case 429 | 503:
            return UpstreamFailure(EngineBusy(what), status=status, retries=2, wait_s=wait_s)
        case _ if 300 <= status < 400:
            where = f"{what} to {headers.get('location', 'nowhere')[:MAX_DETAIL_CHARS]}"
            return UpstreamFailure(EngineUnavailable(f"the address redirects ({where})"), status=status)
    error = _by_signs(body, what)
    if error is not None:
        return UpstreamFailure(error, status=status)
    if status == 404:
        return UpstreamFailure(ModelNotFound(f"no such model, or no such address ({what})"), status=status)
    if status < 500:
        return UpstreamFailure(BadRequest(what), status=status)
    return UpstreamFailure(EngineUnavailable(what), status=status, retries=1, wait_s=wait_s)


def told(body: str) -> UpstreamFailure:
    """Say what an error object inside a 200 means."""
    code = _status_in(body)
    if code:
        return refusal(code, body, {})
    what = f"the server says: {explain(body)}"
    if _BUSY.search(_signs(body)):
        return UpstreamFailure(EngineBusy(what), status=503, retries=2)
    return UpstreamFailure(_by_signs(body, what) or EngineUnavailable(what), status=500, retries=1)


def explain(body: str) -> str:
    """Find the sentence for people in an error body; at most 300 characters, on one line.

    What FastAPI repeats of the request (`input`) is left out: it holds what people wrote.
    """
    try:
        value = parse(body)
    except ValueError:
        return _short(re.sub(r"<[^>]*>", " ", body))
    error = at(value, "error")
    for found in (error, text_at(error, "message"), text_at(value, "message"), text_at(value, "detail")):
        if isinstance(found, str) and found:
            return _short(found)
    told = [f"{items_at(one, 'loc')} {text_at(one, 'msg')}" for one in items_at(value, "detail")]
    return _short("; ".join(told)) or "no reason given"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After (seconds or a date; Azure's milliseconds first); None where it is absent."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after", "")
        if not value:
            return None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _by_signs(body: str, what: str) -> EngineError | None:
    signs = _signs(body)
    if _CONTEXT.search(signs):
        return ContextTooLong(what)
    if _FILTERED.search(signs):
        return ContentRefused(what)
    if _NO_MODEL.search(signs):
        return ModelNotFound(what)
    return None


def _signs(body: str) -> str:
    """Join what tells the kind of a refusal; not what it repeats of the request, which may say anything."""
    try:
        value = parse(body)
    except ValueError:
        return explain(body)
    error = at(value, "error")
    codes = [
        text_at(one, name) for one in (value, error, at(error, "innererror")) for name in ("type", "code")
    ]
    return " ".join([explain(body), *codes])


def _status_in(body: str) -> int:
    """Find the HTTP status that some servers (vLLM, llama.cpp) write into the error object."""
    try:
        value = parse(body)
    except ValueError:
        return 0
    for found in (at(value, "error", "code"), at(value, "code"), at(value, "error", "status")):
        if isinstance(found, int) and 400 <= found < 600:
            return found
    return 0


def _short(text: str) -> str:
    """Make one line of it, without the images that a refusal may repeat."""
    line = " ".join(_ENCODED.sub(_left_out, text).split())
    return line if len(line) <= MAX_DETAIL_CHARS else line[: MAX_DETAIL_CHARS - 1] + "…"


def _left_out(encoded: re.Match[str]) -> str:
    """Leave out what is base64; a long word has no digits."""
    is_image = encoded[0].startswith("data:") or any(character.isdigit() for character in encoded[0])
    return "[image]" if is_image else encoded[0]
