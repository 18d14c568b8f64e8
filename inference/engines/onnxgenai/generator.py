"""The second runtime: one og.Model, one reply at a time, one og.Generator a reply.

For folders whose graph the batching runtime does not know, and for CUDA. og.Engine with a paged
model would be a third runtime beside it, listed in `runtime.RUNTIMES`.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from inference.engines.native.reply import check_fits, check_options
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.guidance import check_begins, checked, generator
from inference.engines.onnxgenai.prompt import PromptWriter
from inference.engines.onnxgenai.reply import Reply
from inference.errors import BadRequest, EngineError, EngineUnavailable, ModelBroken
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
CUDA: Final = "cuda"


class GeneratorRuntime:
    """An ONNX Runtime GenAI model folder; see `inference.host_frames.Runtime`."""

    slots = 1

    def __init__(self, folder: ModelFolder, *, plan: Plan, threads: int) -> None:
        """Load the model. Raises: EngineUnavailable, ModelBroken."""
        import onnxruntime_genai as og

        _check_providers(folder)
        self._folder = folder
        options = {"intra_op_num_threads": threads}
        try:
            config = og.Config(os.fspath(folder.path))
            config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
            self._model = og.Model(config)
            self._tokenizer = og.Tokenizer(self._model)
        except RuntimeError as exc:
            raise ModelBroken(f"{folder.path}: {exc}") from exc
        self.prompts = PromptWriter(folder, self._tokenizer)
        self._limit = plan.context_tokens
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
        for start in range(0, len(prompt), PREFILL_CHUNK):
            if should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
            writer.append_tokens(prompt[start : start + PREFILL_CHUNK])
            on_step()
        while not reply.is_finished:
            if should_stop():
                yield from reply.finish(FinishReason.CANCELLED)
                return
            writer.generate_next_token()
            token = int(writer.get_next_tokens()[0])
            on_step()
            yield from reply.add(token)

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


def _check_providers(folder: ModelFolder) -> None:
    """Refuse a folder made for an accelerator that is not here. Raises: EngineUnavailable."""
    import onnxruntime_genai as og

    providers = folder.graph.providers if folder.graph else ()
    if CUDA in providers and not og.is_cuda_available():
        raise EngineUnavailable(
            f"{folder.label} was made for an NVIDIA GPU, and none can be used here: install the "
            "onnxruntime-genai-cuda package on a machine with one, or choose a model made for CPUs"
        )
