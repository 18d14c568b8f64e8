"""The child's part of the onnx engine: one og.Model, one reply at a time, one og.Generator a reply."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference.engines.onnxgenai.folder import read_folder
from inference.engines.onnxgenai.prompt import PromptWriter
from inference.errors import BadRequest, ContextTooLong, EngineError, EngineUnavailable, ModelBroken
from inference.slots import Slots
from inference.stop_strings import StopStrings
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    ShouldStop,
    Usage,
    never_stop,
)

if TYPE_CHECKING:
    import onnxruntime_genai as og

PREFILL_CHUNK: Final = 64  # tokens between two looks at should_stop: about 1.4 s for a 3.8B model on 2 cores


def _no_report() -> None:
    """The default for `on_step`."""


class OnnxRuntime:
    """An ONNX Runtime GenAI model folder; see `inference.host_frames.Runtime`."""

    def __init__(self, folder: str, threads: int = 0) -> None:
        """threads: 0 = every core this process may use. Raises: ModelNotFound, ModelBroken."""
        self._folder = read_folder(Path(folder))
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import
        try:
            import onnxruntime_genai as og
        except ImportError as exc:
            raise EngineUnavailable("onnxruntime-genai is not installed") from exc
        og.disable_telemetry_events()
        options = {"intra_op_num_threads": threads or _cores()}
        try:
            config = og.Config(folder)
            config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
            self._model = og.Model(config)
            self._tokenizer = og.Tokenizer(self._model)
        except RuntimeError as exc:
            raise ModelBroken(f"{folder}: {exc}") from exc
        self.prompts = PromptWriter(self._folder, self._tokenizer)
        self._ends = self._folder.ends | set(self._folder.specials.values())
        self._turns = Slots(1, wait_s=float("inf"))

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Count the tokens of the prompt these messages make."""
        return len(self.prompts.token_ids(messages))

    def stream(
        self,
        request: GenerationRequest,
        *,
        should_stop: ShouldStop = never_stop,
        on_step: Callable[[], None] = _no_report,
    ) -> Iterator[Delta | Finish]:
        """Write a reply. Raises: EngineError."""
        _check_options(request)
        prompt = self.prompts.token_ids(request.messages)
        limit = self._folder.context_tokens
        if len(prompt) + request.max_tokens > limit:
            raise ContextTooLong(f"{len(prompt)} prompt + {request.max_tokens} new tokens > {limit}")
        with self._turns.held(should_stop) as is_held:
            if not is_held or should_stop():
                yield Finish(FinishReason.CANCELLED, Usage(len(prompt)))
                return
            try:
                yield from self._generate(request, prompt, should_stop, on_step)
            except RuntimeError as exc:
                raise EngineError(f"{self._folder.path.name}: {exc}") from exc

    def _generate(
        self,
        request: GenerationRequest,
        prompt: list[int],
        should_stop: ShouldStop,
        on_step: Callable[[], None],
    ) -> Iterator[Delta | Finish]:
        generator = self._generator(request, len(prompt))
        for start in range(0, len(prompt), PREFILL_CHUNK):
            if should_stop():
                yield Finish(FinishReason.CANCELLED, Usage(len(prompt)))
                return
            generator.append_tokens(prompt[start : start + PREFILL_CHUNK])
            on_step()
        text, stops = _ReplyText(self._tokenizer), StopStrings(request.stop)
        written, reason = 0, FinishReason.LENGTH
        while written < request.max_tokens:
            if should_stop():
                reason = FinishReason.CANCELLED
                break
            generator.generate_next_token()
            token = int(generator.get_next_tokens()[0])
            on_step()
            if token in self._ends:
                reason = FinishReason.STOP
                break
            written += 1
            if sure := stops.feed(text.add(token)):
                yield Delta(sure)
            if stops.is_reached:
                reason = FinishReason.STOP
                break
        if rest := stops.flush():
            yield Delta(rest)
        yield Finish(reason, Usage(prompt_tokens=len(prompt), completion_tokens=written))

    def _generator(self, request: GenerationRequest, prompt_tokens: int) -> "og.Generator":
        import onnxruntime_genai as og

        options: dict[str, float | int | bool] = {
            "max_length": prompt_tokens + request.max_tokens,  # it is allocated at once
            "do_sample": request.temperature > 0,
            "repetition_penalty": request.repetition_penalty,
        }
        if request.temperature > 0:
            options |= {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
        if request.seed is not None:
            options["random_seed"] = request.seed
        params = og.GeneratorParams(self._model)
        try:
            params.set_search_options(**options)
        except (RuntimeError, TypeError) as exc:
            raise BadRequest(str(exc)) from exc
        return og.Generator(self._model, params)


class _ReplyText:
    """Tokens of one reply to text; a character may take several tokens."""

    def __init__(self, tokenizer: "og.Tokenizer") -> None:
        self._stream = tokenizer.create_stream()
        self._is_first = True

    def add(self, token: int) -> str:
        """Decode the next token. The single space a reply begins with is the tokenizer's, not the model's."""
        text = str(self._stream.decode(token))
        if text and self._is_first:
            self._is_first = False
            return text.removeprefix(" ")
        return text


def _cores() -> int:
    """Count the cores this process may use; left alone the runtime takes half of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_options(request: GenerationRequest) -> None:
    """Refuse what the runtime would take without a word, or fail on in the middle."""
    if request.max_tokens < 1:
        raise BadRequest(f"max_tokens {request.max_tokens} is below 1")
    if not 0 <= request.temperature <= 5:
        raise BadRequest(f"temperature {request.temperature} is not between 0 and 5")
    if not 0 < request.top_p <= 1:
        raise BadRequest(f"top_p {request.top_p} is not between 0 and 1")
    if request.top_k < 0:
        raise BadRequest(f"top_k {request.top_k} is negative")
    if not 0 < request.repetition_penalty <= 5:
        raise BadRequest(f"repetition_penalty {request.repetition_penalty} is not between 0 and 5")
    if request.seed is not None and not 0 <= request.seed < 2**31:
        raise BadRequest(f"seed {request.seed} is not between 0 and 2**31 - 1")
