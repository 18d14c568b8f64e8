"""The second runtime: one og.Model, one reply at a time, one og.Generator a reply.

For folders whose graph the batching runtime does not know, and for models made for CUDA that are not paged.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from inference.engines.native import prompt as prompts
from inference.engines.native.reply import check_fits, check_options
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.guidance import check_begins, checked, generator
from inference.engines.onnxgenai.prompt import PromptWriter
from inference.engines.onnxgenai.providers import check_providers
from inference.engines.onnxgenai.reply import Reply
from inference.errors import BadRequest, ContextTooLong, EngineError, ModelBroken
from inference.host_frames import no_report
from inference.slots import Slots
from inference.types import (
    ChatMessage,
    Delta,
    Finish,
    FinishReason,
    GenerationRequest,
    ShouldStop,
    never_stop,
)

if TYPE_CHECKING:
    import onnxruntime_genai as og

PREFILL_CHUNK: Final = 64  # tokens between two looks at should_stop: about 1.4 s for a 3.8B model on 2 cores


class GeneratorRuntime:
    """An ONNX Runtime GenAI model folder; see `inference.host_frames.Runtime`."""

    slots = 1

    def __init__(self, folder: ModelFolder, *, plan: Plan, threads: int) -> None:
        """Load the model. Raises: EngineUnavailable, ModelBroken."""
        import onnxruntime_genai as og

        check_providers(folder)
        self._folder = folder
        options = {"intra_op_num_threads": threads}
        try:
            config = og.Config(os.fspath(folder.path))
            config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
            self._model = og.Model(config)
            self._tokenizer = og.Tokenizer(self._model)
        except RuntimeError as exc:
            raise ModelBroken(f"{folder.path}: {exc}") from exc
        self.prompts = self._new_prompts()
        self._limit = plan.context_tokens
        self._cliff = plan.cliff
        self._turns = Slots(1, wait_s=float("inf"))

    @staticmethod
    def can_run(folder: ModelFolder) -> bool:
        """Say whether this is the runtime for a folder: it is the last one asked."""
        return True

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Count the tokens of the prompt these messages make."""
        return len(self.prompts.token_ids(messages))

    def stream(
        self,
        request: GenerationRequest,
        *,
        should_stop: ShouldStop = never_stop,
        on_step: Callable[[], None] = no_report,
    ) -> Iterator[Delta | Finish]:
        """Write a reply. Raises: EngineError."""
        check_options(request)
        asked = self.prompts.token_ids(request.messages)
        prompt = asked + self.prompts.begun_ids(asked, request)
        check_begins(request)
        check_fits(request, len(prompt), self._limit)
        if request.guidance and len(prompt) <= self._cliff < len(prompt) + request.max_tokens:
            raise ContextTooLong(f"a guided reply cannot go beyond {self._cliff} tokens")
        reply = Reply(request, len(asked), self._tokenizer, self._folder.reply_ends)
        with self._turns.held(should_stop) as is_held:
            if not is_held or should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
            events = self._generate(request, prompt, reply, should_stop, on_step)
            try:
                yield from checked(events, request) if request.guidance else events
            except RuntimeError as exc:
                raise EngineError(f"{self._folder.path.name}: {exc}") from exc

    def _generate(
        self,
        request: GenerationRequest,
        prompt: list[int],
        reply: Reply,
        should_stop: ShouldStop,
        on_step: Callable[[], None],
    ) -> Iterator[Delta | Finish]:
        writer = self._generator(request, len(prompt))
        written = list(prompt)
        for read_next in self._reading(writer, request, prompt):
            if should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
            read_next()
            on_step()
        while not reply.is_finished:
            if should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
            if self._cliff and len(written) == self._cliff + 1 > len(prompt):
                writer = self._beyond(request, written, len(prompt))
                on_step()
            writer.generate_next_token()
            token = int(writer.get_next_tokens()[0])
            written.append(token)
            on_step()
            yield from reply.add(token)

    def _reading(
        self, writer: "og.Generator", request: GenerationRequest, prompt: list[int]
    ) -> Iterator[Callable[[], None]]:
        """Give the steps that read the prompt, to be taken one after the other."""
        # Beyond the cliff (see `longrope`) in one piece: a part of it would be read with other factors.
        size = len(prompt) if 0 < self._cliff < len(prompt) else PREFILL_CHUNK
        for start in range(0, len(prompt), size):
            yield partial(writer.append_tokens, prompt[start : start + size])

    def _beyond(self, request: GenerationRequest, written: list[int], prompt_tokens: int) -> "og.Generator":
        """Compute all that is written anew, with the factors that hold beyond the cliff."""
        writer = self._generator(request, prompt_tokens)
        writer.append_tokens(written)
        return writer

    def _new_prompts(self) -> prompts.PromptWriter:
        return PromptWriter(self._folder, self._tokenizer)

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
        return generator(self._model, params, request.guidance)
