"""An Ollama server, through its own /api/chat."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from inference.engines.remote import images, options
from inference.engines.remote.call import Call
from inference.engines.remote.connection import Connection
from inference.engines.remote.deadlines import Timeouts
from inference.engines.remote.engine import HEALTH_S, RemoteEngine
from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import at, items_at, text_at
from inference.engines.remote.names import has_no_system_role, phi_among
from inference.engines.remote.ndjson import ChatReader
from inference.engines.remote.wire import WireReader
from inference.errors import EngineError, ModelNotFound
from inference.special_tokens import fold_system
from inference.types import ChatMessage, GenerationRequest, ShouldStop, never_stop

LIST_S: Final = 10.0
SIGHTED_FAMILIES: Final = frozenset({"clip", "mllama"})  # how a server before 0.6.4 names an image encoder
KEEP_ALIVE_S: Final = 1800  # the server's own default unloads a model after five idle minutes


class OllamaEngine(RemoteEngine):
    """One model of one Ollama server; see `inference.engines.base.Engine`."""

    name = "ollama"
    warm_s = KEEP_ALIVE_S

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        slots: int = 4,
        context_tokens: int = 4096,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        """Connects to nothing. model: "" takes the best Phi the server has."""
        super().__init__(
            Connection(url), model=model, slots=slots, context_tokens=context_tokens, timeouts=timeouts
        )
        self._looked_at = ""  # the model the server has said the abilities of

    def close(self) -> None:
        """Close the connections."""
        self._looked_at = ""
        super().close()

    def _prepare(self) -> None:
        """Find the model and have the server load it, with the same context as every question."""
        self._found = self._find_model()
        self._look_at_model(self._found)
        body = {
            "model": self._found,
            "messages": [],
            "stream": False,
            "keep_alive": KEEP_ALIVE_S,
            "options": {"num_ctx": self.context_tokens},
        }
        answer = self._connection.fetch("POST", "/api/chat", body, timeout_s=self._timeouts.cold_s)
        if at(answer, "done") is True:
            self._mark_warm()

    def _look(self) -> str:
        until = time.monotonic() + HEALTH_S
        name = chosen(installed(self._connection, HEALTH_S), self._wanted)
        self._look_at_model(name, timeout_s=until - time.monotonic())
        return f"{name} at {self._connection.url} answers."

    def _find_model(self, should_stop: ShouldStop = never_stop) -> str:
        return chosen(installed(self._connection, LIST_S, should_stop), self._wanted)

    def _look_at_model(
        self, model: str, should_stop: ShouldStop = never_stop, *, timeout_s: float = LIST_S
    ) -> None:
        """Ask once what the model can do; a server that does not say is asked by the question itself."""
        if self._looked_at == model:
            return
        try:
            told = self._connection.fetch(
                "POST", "/api/show", {"model": model}, timeout_s=timeout_s, should_stop=should_stop
            )
        except UpstreamFailure:
            return
        self._looked_at = model
        self._is_blind = sight(told) is False

    def _start(self, request: GenerationRequest, model: str) -> tuple[Call, WireReader]:
        messages = options.clean(request.messages, images.OLLAMA_MARKS if self.sees_images else ())
        if has_no_system_role(model):
            messages = fold_system(messages)
        given: dict[str, object] = {
            "num_ctx": self.context_tokens,
            "num_predict": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "top_k": request.top_k,
            "repeat_penalty": request.repetition_penalty,  # the server's default is not 1
        }
        if request.seed is not None:
            given["seed"] = request.seed
        body: dict[str, object] = {
            "model": model,
            "messages": [wire_message(message) for message in messages],
            "stream": True,
            "truncate": False,  # else what is too long is dropped without a word,
            "shift": False,  # also in mid-reply
            "keep_alive": KEEP_ALIVE_S,
            "options": given,
        }
        if request.guidance is not None:
            body["format"] = options.schema_of(request.guidance)
        return self._connection.start("POST", "/api/chat", body), ChatReader()


def wire_message(message: ChatMessage) -> Mapping[str, object]:
    """Write one message."""
    written: dict[str, object] = {"role": message.role.value, "content": message.content}
    if message.images:
        written["images"] = [images.base64_of(image) for image in message.images]
    return written


def sight(shown: object) -> bool | None:
    """Tell from /api/show whether a model sees images; None where an older server does not say."""
    if abilities := items_at(shown, "capabilities"):
        return "vision" in abilities
    facts = at(shown, "model_info")
    names = [str(name) for name in facts] if isinstance(facts, Mapping) else []
    if at(shown, "projector_info") or any(".vision." in name for name in names):
        return True
    families = items_at(shown, "details", "families")
    return bool(SIGHTED_FAMILIES.intersection(map(str, families))) if families else None


def installed(connection: Connection, timeout_s: float, should_stop: ShouldStop = never_stop) -> list[str]:
    """List the models a server has. Raises: UpstreamFailure, Stopped."""
    answer = connection.fetch("GET", "/api/tags", timeout_s=timeout_s, should_stop=should_stop)
    return [name for one in items_at(answer, "models") if (name := text_at(one, "name"))]


def chosen(names: Sequence[str], wanted: str) -> str:
    """Choose among the models a server has. Raises: ModelNotFound."""
    if wanted:
        if wanted in names or f"{wanted}:latest" in names:
            return wanted
        raise ModelNotFound(f"the server has no model {wanted}: run `ollama pull {wanted}` there")
    if found := phi_among(names):
        return found
    raise ModelNotFound("the server has no Phi model: run `ollama pull phi3.5` there")


def find_model(url: str, wanted: str, timeout_s: float) -> str:
    """Ask a server which of its models would be used; "" where it does not answer or has none."""
    try:
        connection = Connection(url)
    except EngineError:
        return ""  # the system checks say what is wrong with the address
    try:
        return chosen(installed(connection, timeout_s), wanted)
    except (UpstreamFailure, ModelNotFound):
        return ""
    finally:
        connection.close()
