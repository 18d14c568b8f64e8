"""Any server with OpenAI's chat completions: NIM, Foundry, vLLM, llama.cpp, `transformers serve`, …"""

import re
import time
from collections.abc import Mapping
from typing import Final

from inference.catalogue import catalogue
from inference.engines.remote import images, options
from inference.engines.remote.call import Call
from inference.engines.remote.connection import Connection
from inference.engines.remote.deadlines import Timeouts
from inference.engines.remote.engine import HEALTH_S, RemoteEngine
from inference.engines.remote.failures import UpstreamFailure
from inference.engines.remote.fields import items_at, text_at
from inference.engines.remote.images import ImageForm
from inference.engines.remote.names import has_no_system_role, phi_among
from inference.engines.remote.sse import ChatCompletionReader
from inference.engines.remote.wire import WireReader
from inference.errors import EngineError, ModelNotFound
from inference.special_tokens import fold_system
from inference.types import ChatMessage, GenerationRequest, ShouldStop, never_stop

LIST_S: Final = 10.0
OLDER_VLM: Final = "/vlm"  # where NVIDIA's older endpoints are: …/vlm/<model>, and no list of models
WARM_S: Final = 300.0  # serverless deployments go to sleep sooner or later


_MOST_IMAGES: Final = re.compile(
    r"at most ([1-9]\d{0,2}) image", re.IGNORECASE
)  # vLLM, and what is built on it


class OpenAIEngine(RemoteEngine):
    """One model of one server; see `inference.engines.base.Engine`."""

    name = "openai"
    warm_s = WARM_S

    def __init__(
        self,
        base_url: str,
        *,
        key: str = "",
        model: str = "",
        slots: int = 4,
        context_tokens: int = 4096,
        images: str = ImageForm.PARTS,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        """Connects to nothing. base_url ends where /chat/completions begins, most often in /v1.

        model: "" takes the server's only one, or its first Phi. images: one of ImageForm.
        """
        base_url, _, named = base_url.partition(f"{OLDER_VLM}/")
        if named:  # the whole address of a model, as NVIDIA's pages give it
            base_url, model = base_url + OLDER_VLM, model or named.strip("/")
        super().__init__(
            Connection(base_url, key=key),
            model=model,
            slots=slots,
            context_tokens=context_tokens,
            timeouts=timeouts,
        )
        self._dialect: frozenset[str] = frozenset()  # what this server turned out not to understand
        self._form = ImageForm(images)
        self._max_images = 0  # of one request, where the server has said so

    @property
    def sees_images(self) -> bool:
        """Whether images may be sent: not to a model the catalogue knows as one that reads text only."""
        if self._form is ImageForm.OFF or is_text_only(self.model):
            return False
        return super().sees_images

    @property
    def _is_older_vlm(self) -> bool:
        return self._connection.url.endswith(OLDER_VLM)

    @property
    def _no_health(self) -> set[int]:
        """What a server answers that answers, and has no /health; the list of models may need a key too."""
        return {404, 405} if self._is_older_vlm else {401, 403, 404, 405}

    def _prepare(self) -> None:
        if self._is_older_vlm and self._wanted:
            return
        try:
            self._found = self._find_model()
        except UpstreamFailure as failure:
            # The list may need a right of its own, not exist (Azure) or crash (mlx_lm.server).
            if not self._wanted or failure.is_down or failure.status in {401, 403, 410}:
                raise

    def _look(self) -> str:
        """Ask /health where there is one, else for the list of models."""
        until = time.monotonic() + HEALTH_S
        try:
            self._connection.fetch("GET", "/health", timeout_s=HEALTH_S, at_root=True)
        except UpstreamFailure as failure:
            if failure.is_down or failure.status not in self._no_health:
                raise
            if not self._is_older_vlm:
                self._connection.fetch("GET", "/models", timeout_s=until - time.monotonic())
        return f"{self.model} at {self._connection.url} answers."

    def _find_model(self, should_stop: ShouldStop = never_stop) -> str:
        answer = self._connection.fetch("GET", "/models", timeout_s=LIST_S, should_stop=should_stop)
        names = [name for one in items_at(answer, "data") if (name := text_at(one, "id"))]
        if self._wanted:
            return self._wanted
        found = phi_among(names) or (names[0] if len(names) == 1 else "")
        if not found:
            listed = ", ".join(names[:20]) or "none"
            raise ModelNotFound(f"{self._connection.url} has no Phi model; it lists {listed}")
        return found

    def _start(self, request: GenerationRequest, model: str) -> tuple[Call, WireReader]:
        body = self._body(request, model)
        path = f"/{model}" if self._is_older_vlm else "/chat/completions"
        return self._connection.start("POST", path, body), ChatCompletionReader()

    def _body(self, request: GenerationRequest, model: str) -> Mapping[str, object]:
        messages = self._messages(request)
        if "system" in self._dialect or has_no_system_role(model):
            messages = fold_system(messages)
        limit = "max_completion_tokens" if "max_tokens" in self._dialect else "max_tokens"
        body: dict[str, object] = {
            "model": model,
            "messages": [wire_message(message, self._form) for message in messages],
            "stream": True,
            limit: request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
        }
        if "stream_options" not in self._dialect:
            body["stream_options"] = {"include_usage": True}
        if request.seed is not None:
            body["seed"] = request.seed
        # Not OpenAI's own: sent only where somebody asks for them; a server that does not know them says so.
        if request.top_k:
            body["top_k"] = request.top_k
        if request.repetition_penalty != 1.0:
            body["repetition_penalty"] = request.repetition_penalty
        if request.guidance is not None:
            schema = {"name": "reply", "schema": options.schema_of(request.guidance), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _messages(self, request: GenerationRequest) -> list[ChatMessage]:
        marks = images.INLINE_MARKS if self._form is ImageForm.INLINE else ()
        if any(message.images for message in request.messages):
            marks += images.PARTS_MARKS
        messages = options.clean(request.messages, marks)
        if self._max_images:
            messages = images.newest(messages, self._max_images)
        return images.fit_inline(messages) if self._form is ImageForm.INLINE else messages

    def _adapt(self, failure: UpstreamFailure) -> bool:
        said = str(failure)
        learned = set(self._dialect)
        if failure.status in {400, 422}:
            if "stream_options" in said:
                learned.add("stream_options")
            if "max_completion_tokens" in said:
                learned.add("max_tokens")
        if failure.status in {400, 422, 500} and "system role" in said.lower():
            learned.add("system")
        most = _MOST_IMAGES.search(said)
        is_new = learned != self._dialect or (most is not None and int(most[1]) != self._max_images)
        self._dialect = frozenset(learned)
        if most:
            self._max_images = int(most[1])
        return is_new


def wire_message(message: ChatMessage, form: ImageForm) -> Mapping[str, object]:
    """Write one message, its images in the form the server takes."""
    is_inline = form is ImageForm.INLINE
    content = images.inline_text(message) if is_inline else images.content_parts(message)
    return {"role": message.role.value, "content": content}


def is_text_only(model: str) -> bool:
    """Whether the catalogue knows the model, and that it reads text only."""
    try:
        return catalogue().find(model).is_text
    except EngineError:
        return False
