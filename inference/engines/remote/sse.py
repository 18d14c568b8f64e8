"""Server-sent events of a chat completion to pieces. Pure."""

from typing import Final

from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import at, count_at, items_at, parse, text_at
from inference.engines.remote.refusals import told
from inference.engines.remote.wire import Piece
from inference.errors import ContentRefused, StreamInterrupted
from inference.types import FinishReason, Usage

MAX_HELD_CHARS: Final = 1024 * 1024


class ChatCompletionReader:
    """Reads one stream; comments (": keepalive") and unknown fields say nothing."""

    def __init__(self) -> None:
        self._held = ""  # the beginning of a JSON that goes on in the next data line
        self._plain: list[str] = []  # lines that are no events: an answer that is not streamed
        self._plain_chars = 0

    def feed(self, line: str) -> Piece | None:
        """Read a line."""
        if not line.strip():
            if self._held:
                raise ValueError("an event that is not JSON")
            return None
        if line.startswith(("{", "[", " ", "}", "]", "<")) or self._plain:
            self._plain.append(line)
            self._plain_chars += len(line)
            if self._plain_chars > MAX_HELD_CHARS:
                raise ValueError("no event stream")
            return None
        if not line.startswith("data:"):
            return None
        self._held += line.removeprefix("data:").strip()
        if self._held == "[DONE]":
            return Piece(is_end=True)
        try:
            event = parse(self._held)
        except ValueError:
            if len(self._held) > MAX_HELD_CHARS:
                raise
            return None
        said, self._held = self._held, ""
        return _piece(event, said)

    def end(self) -> Piece | None:
        """Read an answer that was not streamed, or an error object sent with status 200."""
        if self._held:
            raise ValueError("the last event is cut off")
        if not self._plain:
            return None
        said = "\n".join(self._plain)
        self._plain = []
        try:
            answer = parse(said)
        except ValueError as exc:
            raise ValueError("no event stream") from exc
        return _piece(answer, said)


def _piece(event: object, said: str) -> Piece | None:
    error = at(event, "error")
    if error or text_at(event, "object") == "error":
        raise told(said)
    usage = _usage(event)
    choices = items_at(event, "choices")
    if not choices:
        return Piece(usage=usage) if usage else None
    choice = choices[0]
    text = text_at(choice, "delta", "content") or text_at(choice, "message", "content")
    thought = text_at(choice, "delta", "reasoning_content") or text_at(choice, "delta", "reasoning")
    reason = _reason(text_at(choice, "finish_reason"))
    if not (text or thought or reason or usage):
        return None
    return Piece(text=text, is_token=bool(text or thought), reason=reason, usage=usage)


def _reason(said: str) -> FinishReason | None:
    match said:
        case "":
            return None
        case "length" | "max_tokens":
            return FinishReason.LENGTH
        case "content_filter":
            raise UpstreamFailure(ContentRefused("the server's content filter ended the reply"))
        case "abort" | "error" | "cancelled":
            raise UpstreamFailure(StreamInterrupted(f"the server gave up: {said}"), status=500, retries=1)
        case _:
            return FinishReason.STOP


def _usage(event: object) -> Usage | None:
    prompt = count_at(event, "usage", "prompt_tokens")
    completion = count_at(event, "usage", "completion_tokens")
    if prompt is None or completion is None:
        return None
    cached = count_at(event, "usage", "prompt_tokens_details", "cached_tokens")
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached or 0)
