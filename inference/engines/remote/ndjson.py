"""Lines of Ollama's /api/chat to pieces. Pure."""

from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import at, count_at, parse, text_at
from inference.engines.remote.refusals import told
from inference.engines.remote.wire import Piece
from inference.errors import StreamInterrupted
from inference.types import FinishReason, Usage


class ChatReader:
    """Reads one stream: one JSON object a line, the last one with `done: true`."""

    def feed(self, line: str) -> Piece | None:
        """Read a line."""
        if not line.strip():
            return None
        event = parse(line)
        if at(event, "error"):
            raise told(line)
        text = text_at(event, "message", "content")
        is_token = bool(text or text_at(event, "message", "thinking"))
        if at(event, "done") is not True:
            return Piece(text=text, is_token=True) if is_token else None
        reason = _reason(text_at(event, "done_reason"))
        return Piece(text=text, is_token=is_token, reason=reason, usage=_usage(event), is_end=True)

    def end(self) -> Piece | None:
        """Nothing is left: every line stands for itself."""
        return None


def _reason(said: str) -> FinishReason:
    if said in {"load", "unload"}:
        raise UpstreamFailure(StreamInterrupted(f"the model was {said}ed instead"), status=500, retries=1)
    return FinishReason.LENGTH if said == "length" else FinishReason.STOP


def _usage(event: object) -> Usage | None:
    """Read the counts; a prompt that was wholly cached has none in older versions."""
    prompt, completion = count_at(event, "prompt_eval_count"), count_at(event, "eval_count")
    if prompt is None or completion is None:
        return None
    return Usage(prompt_tokens=prompt, completion_tokens=completion)
