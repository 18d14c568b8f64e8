"""The child's part of the transformers engine: one model, many replies at once.

Steps, pages of the KV cache and prefixes shared between replies are transformers' continuous batching;
options, stop strings and text of each reply are ours.
"""

import itertools
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inference.engines.hf.choosing import TokenChooser
from inference.engines.hf.folder import HfFolder, read_folder
from inference.engines.hf.sight import Sight
from inference.engines.hf.template import HfTemplate
from inference.engines.native.budget import cores, free_bytes, rows_that_fit
from inference.engines.native.prompt import PromptWriter
from inference.engines.native.reply import Reply, check_fits, check_options
from inference.engines.native.sampling import Sampler
from inference.engines.pictures import images_of
from inference.errors import (
    EngineCrashed,
    EngineError,
    EngineUnavailable,
    ImagesNotSupported,
    ModelBroken,
)
from inference.host_frames import no_report
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
    from transformers import PreTrainedModel

PAGE_TOKENS: Final = 64
CPU_STEP_TOKENS: Final = 64  # of prompts in one step: others wait that long for their next token
CUDA_STEP_TOKENS: Final = 2048
EXIT_BROKEN: Final = 70
LOOK_S: Final = 0.05  # how often a waiting reply looks at should_stop

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Ticket:
    """One reply under way: its tokens so far arrive in `results`."""

    reply: Reply
    on_step: Callable[[], None]
    results: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    taken: int = 0


class HfRuntime:
    """A Hugging Face model folder; see `inference.host_frames.Runtime`."""

    def __init__(self, folder: str, *, threads: int = 0, max_rows: int = 8, device: str = "") -> None:
        """Load the model. threads: 0 = every core. device: "" = a GPU where there is one.

        Raises: ModelNotFound, ModelBroken, EngineUnavailable.
        """
        os.environ["HF_HUB_OFFLINE"] = "1"  # before the first import: the folder is all it needs
        described = read_folder(Path(folder))
        self._folder = described
        self._model = _load(described, threads, device)
        self._template = HfTemplate(described)
        self.prompts = PromptWriter(described.label, self._template, harmless_ids=self._template.unknown)
        self._ends = _ends(self._model, self._template)
        self._sight = Sight(self._model, described, described.vision) if described.vision else None
        seeing = 1 if self._sight else 0  # beside the batches, and with a cache of its own
        rows = _rows(self._model, described.context_tokens, max_rows + seeing)
        self.slots = max(1, rows - seeing)
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._is_closing = False
        self._chooser = TokenChooser(self._step)
        self._batches = self._start_batches()
        threading.Thread(target=self._deliver, name="hf-results", daemon=True).start()
        logger.info("%s: %d replies at once on %s", described.label, self.slots, self._model.device)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Count the tokens of the prompt these messages make."""
        return len(self._expanded(self.prompts.token_ids(messages), messages))

    def stream(
        self,
        request: GenerationRequest,
        *,
        should_stop: ShouldStop = never_stop,
        on_step: Callable[[], None] = no_report,
    ) -> Iterator[Delta | Finish]:
        """Write a reply. Raises: EngineError."""
        check_options(request)
        written = self.prompts.token_ids(request.messages)
        begun = self.prompts.begun_ids(written, request)
        prompt = self._expanded(written, request.messages)
        check_fits(request, len(prompt) + len(begun), self._folder.context_tokens)
        reply = Reply(request, len(prompt), self._template.decoder(begun), self._ends)
        if should_stop():
            yield from reply.finish(FinishReason.CANCELLED)
            return
        if self._sight and images_of(request.messages):
            yield from self._sight.write(reply, prompt + begun, request, should_stop, on_step)
            return
        number = f"reply-{next(self._numbers)}"
        ticket = Ticket(reply, on_step)
        self._submit(number, ticket, prompt + begun, request)
        try:
            yield from self._follow(ticket, should_stop)
        finally:
            self._forget(number)

    def close(self) -> None:
        """End the thread of the batches."""
        self._is_closing = True
        self._batches.stop(block=True, timeout=10, hard_stop=True)

    def _expanded(self, written: list[int], messages: Sequence[ChatMessage]) -> list[int]:
        """Make room for the pictures of these messages. Raises: ImagesNotSupported, ImageRefused."""
        images = images_of(messages)
        if not images:
            return written
        if self._sight is None:
            raise ImagesNotSupported(f"{self._folder.label} reads text only")
        return self._sight.expand(written, images)

    def _submit(self, number: str, ticket: Ticket, prompt: list[int], request: GenerationRequest) -> None:
        sampler = Sampler(request, prompt, self._model.config.get_text_config().vocab_size)
        if not sampler.is_plain:
            self._chooser.open(number, sampler)
        with self._lock:
            self._tickets[number] = ticket
        taken = self._batches.add_request(
            prompt,
            request_id=number,
            max_new_tokens=request.max_tokens,
            eos_token_id=sorted(self._ends),
            streaming=True,
        )
        if taken is None:
            self._forget(number)
            raise EngineCrashed("transformers' batches have ended")

    def _follow(self, ticket: Ticket, should_stop: ShouldStop) -> Iterator[Delta | Finish]:
        while True:
            if should_stop():
                yield from ticket.reply.finish(FinishReason.CANCELLED)
                return
            try:
                result = ticket.results.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            for token in result.generated_tokens[ticket.taken :]:
                ticket.taken += 1
                for event in ticket.reply.add(int(token)):
                    yield event
                    if isinstance(event, Finish):
                        return
            if result.error:
                raise EngineError(f"{self._folder.label}: {result.error}")

    def _forget(self, number: str) -> None:
        """Drop a reply, finished or not: its pages are freed before the next step."""
        with self._lock:
            self._tickets.pop(number, None)
        self._chooser.forget(number)
        self._batches.cancel_request(number)

    def _step(self) -> None:
        with self._lock:
            reports = [ticket.on_step for ticket in self._tickets.values()]
        for report in reports:
            report()

    def _deliver(self) -> None:
        """Sort results by reply; where the batches end by themselves, this process is of no more use."""
        while self._batches.is_running():
            result = self._batches.get_result(timeout=1.0)
            if result is not None:
                with self._lock:
                    ticket = self._tickets.get(result.request_id)
                if ticket is not None:
                    ticket.results.put(result)
        if not self._is_closing:
            logger.critical("transformers' batches have ended; see the error above")
            os._exit(EXIT_BROKEN)

    def _start_batches(self) -> Any:
        import transformers
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        greedy: Any = transformers.GenerationConfig
        model: Any = self._model
        is_cpu = self._model.device.type == "cpu"
        pages = -(-self._folder.context_tokens // PAGE_TOKENS)
        batches = model.init_continuous_batching(
            generation_config=greedy(do_sample=False, eos_token_id=sorted(self._ends)),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE_TOKENS,
                num_blocks=pages * self.slots + 1,
                max_batch_tokens=CPU_STEP_TOKENS if is_cpu else CUDA_STEP_TOKENS,
                max_requests_per_batch=self.slots,
                use_cuda_graph=False,  # a reply's own sampler cannot be recorded
                use_async_batching=False,
            ),
        )
        listed = batches.logit_processor
        listed.logits_processor.append(_as_processor(self._chooser))
        listed.tensors_required += 1
        listed.do_processing = True
        batches.start()
        return batches


def _as_processor(chooser: TokenChooser) -> Any:
    """Make it one of the kind transformers asks for; its class must not be imported with this module."""
    from transformers.generation.continuous_batching.cb_logits_processors import (
        ContinuousBatchingLogitsProcessor,
    )

    ContinuousBatchingLogitsProcessor.register(TokenChooser)
    return chooser


def _load(folder: HfFolder, threads: int, device: str) -> "PreTrainedModel":
    try:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar
    except ImportError as exc:
        raise EngineUnavailable(f"transformers or torch is not installed: {exc}") from exc
    quieten: Callable[[], None] = disable_progress_bar
    quieten()
    torch.set_num_threads(threads or cores())
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            dtype="auto",
            attn_implementation="sdpa",
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
        )
        model: PreTrainedModel = loaded.to(where)
    except torch.OutOfMemoryError as exc:
        raise EngineUnavailable(f"{folder.label} does not fit into the GPU's memory: {exc}") from exc
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as exc:
        raise ModelBroken(f"{folder.path}: {exc}") from exc
    return model


def _ends(model: "PreTrainedModel", template: HfTemplate) -> frozenset[int]:
    """Ids at which a reply is over: those named by the model, and every control token."""
    named = model.generation_config.eos_token_id
    listed = named if isinstance(named, list) else [named]
    controls = frozenset(template.specials.values()) - frozenset(template.unknown)
    return controls | frozenset(int(end) for end in listed if end is not None)


def _rows(model: "PreTrainedModel", context_tokens: int, max_rows: int) -> int:
    """Count the replies whose KV cache fits where the model is."""
    import torch

    config = model.config.get_text_config()
    heads = config.num_key_value_heads or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    a_token = 2 * config.num_hidden_layers * heads * size * model.dtype.itemsize
    free = torch.cuda.mem_get_info()[0] if model.device.type == "cuda" else free_bytes()
    return rows_that_fit(int(a_token), context_tokens, max_rows, int(free))
