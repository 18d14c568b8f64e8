"""What a refusal means when the request held more than text: images, or the shape of the reply. Pure.

The same words mean something else in a plain request, so these are looked for only where there were
images, or a guidance. Seen: llama.cpp (500), LM Studio, Ollama (400 and 500), vLLM and NIM (400),
Azure (400), mlx_lm.server (404), FastAPI's 422 of servers that know only text as content.
"""

import json
import re
from typing import Final

from inference.engines.remote.failures import UpstreamFailure
from inference.errors import (
    BadRequest,
    EngineError,
    EngineUnavailable,
    GuidanceNotSupported,
    ImageRefused,
    ImagesNotSupported,
    ModelNotFound,
)
from inference.types import GenerationRequest

REFUSED: Final = 400  # the server answers, whatever status it took for this
_BLIND: Final = re.compile(
    r"\b(images?|vision|multimodal)( \w+)? (is|are) not (supported|enabled)"
    r"|\b(not|n.t) support (image|vision|multimodal)|that support image input"
    r"|not a multimodal model|missing data required for image|at most 0 image|mmproj"
    r"|image_url is only supported|only 'text' content type|(unknown|invalid)[^.]{0,30}image_url",
    re.IGNORECASE,
)
_TEXT_ONLY: Final = re.compile(
    r"content.{0,80}\b(valid|be a|expected a?|type) string|expected a string"
    r"|cannot unmarshal array|can only concatenate str",
    re.IGNORECASE | re.DOTALL,
)
_UNREADABLE: Final = re.compile(
    r"(failed|unable|not) (to )?(load|decode|process|identify|open|read|parse)[\w ]{0,20}\bimage"
    r"|(invalid|unsupported|unrecogni[sz]ed) image|image: unknown format|image_parse_error|base64"
    r"|image[\w ]{0,30}too (large|small|big)",
    re.IGNORECASE,
)
_SHAPE: Final = re.compile(r"response_format|schema|grammar|structured|guided|\bformat\b", re.IGNORECASE)
_NO_SHAPES: Final = re.compile(
    r"(response_format|json_schema|structured outputs?|guided decoding)\W.{0,60}"
    r"(not? .{0,12}(support|permitted|allowed|available|implemented)|unsupported|extra|unexpected|unknown)"
    r"|(unsupported|unexpected|unknown|extra|not support)[^.]{0,60}(response_format|structured output)"
    r"|struct field ChatRequest\.format|invalid format: expected",
    re.IGNORECASE | re.DOTALL,
)


def meant(failure: UpstreamFailure, request: GenerationRequest) -> UpstreamFailure:
    """Say what a refusal means for this request; most mean what they meant before."""
    if not isinstance(failure.error, BadRequest | EngineUnavailable | ModelNotFound) or failure.is_down:
        return failure
    error = _error(failure, request)
    return UpstreamFailure(error, status=REFUSED) if error else failure


def is_for_good(error: EngineError) -> bool:
    """Whether the next request of this kind would be refused as well, whatever it holds."""
    return isinstance(error, ImagesNotSupported) or (
        isinstance(error, GuidanceNotSupported) and bool(_NO_SHAPES.search(str(error)))
    )


def check_shape(text: str) -> None:
    """Refuse a whole guided reply that is no JSON: some servers take a schema and do not read it.

    Raises: GuidanceNotSupported.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise GuidanceNotSupported("the server took the schema and wrote something else") from exc


def _error(failure: UpstreamFailure, request: GenerationRequest) -> EngineError | None:
    what = str(failure)
    if any(message.images for message in request.messages):
        if _BLIND.search(what) or failure.status == 415:
            return ImagesNotSupported(what)
        if failure.status in {400, 422} and _TEXT_ONLY.search(what):
            return ImagesNotSupported(what)
        if _UNREADABLE.search(what):
            return ImageRefused(what)
    if request.guidance is not None and failure.status in {400, 422, 500, 501} and _SHAPE.search(what):
        return GuidanceNotSupported(what)
    return None
