"""The child's part of the openvino engine: one pipeline, many replies at once."""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from inference.engines.native.budget import cores, free_bytes, rows_that_fit
from inference.engines.native.prompt import PromptWriter
from inference.engines.native.reply import Reply, check_fits, check_options
from inference.engines.native.tickets import follow
from inference.engines.ov.batches import Batches, Ticket
from inference.engines.ov.folder import OvFolder, read_folder
from inference.engines.ov.template import OvTemplate
from inference.errors import EngineUnavailable, ModelBroken
from inference.host_frames import no_report
from inference.types import ChatMessage, Delta, Finish, GenerationRequest, ShouldStop, never_stop

KV_BLOCK_TOKENS: Final = {"CPU": 32}  # fixed by OpenVINO
KV_BLOCK_TOKENS_ELSEWHERE: Final = 16
STEP_TOKENS: Final = 64  # of prompts in one step: others wait that long for their next token
NOT_INSTALLED: Final = (
    "OpenVINO is not installed: pip install openvino-genai==2026.4.1.0, or choose another engine"
)

logger = logging.getLogger(__name__)


class OvRuntime:
    """An OpenVINO GenAI model folder; see `inference.host_frames.Runtime`."""

    def __init__(self, folder: str, *, threads: int = 0, max_rows: int = 8, device: str = "CPU") -> None:
        """Load the model. threads: 0 = every core. device: as OpenVINO names it: CPU, GPU.

        Raises: ModelNotFound, ModelBroken, EngineUnavailable.
        """
        described = read_folder(Path(folder))
        self._folder = described
        self.slots = rows_that_fit(
            described.kv_bytes_per_token, described.context_tokens, max_rows, free_bytes()
        )
        pipeline = _open(described, self.slots, threads or cores(), device)
        self._template = OvTemplate(described.label, pipeline.get_tokenizer())
        self.prompts = PromptWriter(described.label, self._template)
        self._ends = described.ends | frozenset(self._template.specials.values())
        self._batches = Batches(pipeline)
        logger.info("%s: %d replies at once on %s", described.label, self.slots, device)

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
        """Write a reply. `should_stop` and `on_step` are called between steps. Raises: EngineError."""
        check_options(request)
        prompt = self.prompts.token_ids(request.messages)
        begun = self.prompts.begun_ids(prompt, request)
        check_fits(request, len(prompt) + len(begun), self._folder.context_tokens)
        reply = Reply(request, len(prompt), self._template.decoder(begun), self._ends)
        ticket = Ticket(prompt + begun, self._options(request), reply, should_stop, on_step)
        self._batches.submit(ticket)
        yield from follow(ticket)

    def close(self) -> None:
        """End the pipeline's thread."""
        self._batches.close()

    def _options(self, request: GenerationRequest) -> Any:
        """Write the request in OpenVINO's words; stop strings are looked for by us."""
        import openvino_genai as genai

        options = genai.GenerationConfig(
            max_new_tokens=request.max_tokens,
            do_sample=request.temperature > 0,
            repetition_penalty=request.repetition_penalty,
            stop_token_ids=set(self._ends),
            apply_chat_template=False,
        )
        if request.temperature > 0:
            options.temperature = request.temperature
            options.top_p = request.top_p
            if request.top_k:
                options.top_k = request.top_k
            chosen = random.randrange(2**31) if request.seed is None else request.seed  # noqa: S311 - no secret
            options.rng_seed = chosen
        return options


def _open(folder: OvFolder, rows: int, threads: int, device: str) -> Any:
    """Load the model and compile it. Raises: EngineUnavailable, ModelBroken."""
    try:
        import openvino
        import openvino_genai as genai
    except ImportError as exc:
        raise EngineUnavailable(NOT_INSTALLED) from exc
    present = openvino.Core().available_devices
    if not any(name.split(".")[0] == device.split(".")[0] for name in present):
        raise EngineUnavailable(f"OpenVINO finds no {device} here, only {', '.join(present)}")
    scheduling = genai.SchedulerConfig()
    block = KV_BLOCK_TOKENS.get(device, KV_BLOCK_TOKENS_ELSEWHERE)
    scheduling.num_kv_blocks = rows * -(-folder.context_tokens // block)
    scheduling.max_num_batched_tokens = STEP_TOKENS
    scheduling.max_num_seqs = rows
    scheduling.dynamic_split_fuse = True
    scheduling.enable_prefix_caching = True
    properties = {"INFERENCE_NUM_THREADS": threads} if device == "CPU" else {}
    try:
        return genai.ContinuousBatchingPipeline(folder.path, scheduling, device, properties)
    except RuntimeError as exc:
        raise ModelBroken(f"{folder.path}: {exc}") from exc
