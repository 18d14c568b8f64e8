"""The first runtime: many replies at once on a CPU, over plain ONNX Runtime.

onnxruntime-genai gives the tokenizer and the chat template alone; its own engine batches on CUDA only.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence

from inference.engines.native import prompt
from inference.engines.native.reply import check_fits, check_options
from inference.engines.native.sampling import Sampler
from inference.engines.native.tickets import follow
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.decoder import Decoder, UnfamiliarGraph
from inference.engines.onnxgenai.drafts import PromptLookup
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.graph import Graph
from inference.engines.onnxgenai.guidance import Guides, checked
from inference.engines.onnxgenai.prompt import PromptWriter
from inference.engines.onnxgenai.reply import Reply
from inference.engines.onnxgenai.scheduler import SHARED_CHUNK_S, Scheduler, Ticket
from inference.errors import ModelBroken
from inference.host_frames import no_report
from inference.types import ChatMessage, Delta, Finish, GenerationRequest, ShouldStop, never_stop

logger = logging.getLogger(__name__)


class BatchingRuntime:
    """A decoder-only model folder on the CPU; see `inference.host_frames.Runtime`."""

    def __init__(
        self,
        folder: ModelFolder,
        *,
        plan: Plan,
        threads: int,
        speculate: bool = True,
        shared_chunk_s: float = SHARED_CHUNK_S,
    ) -> None:
        """Load the model. speculate: guess the tokens of a greedy reply that writes alone.

        Raises: ModelBroken, UnfamiliarGraph.
        """
        import onnxruntime_genai as og

        if folder.graph is None:
            raise UnfamiliarGraph("the KV cache is not described")
        self.slots = plan.rows
        self._folder = folder
        self._plan = plan
        self._speculates = speculate
        try:
            self._tokenizer = og.Tokenizer(og.Config(os.fspath(folder.path)))
        except RuntimeError as exc:
            raise ModelBroken(f"{folder.path}: {exc}") from exc
        self.prompts = self._new_prompts()
        self._decoder = self._new_decoder(
            folder.graph, rows=plan.rows, context_tokens=plan.context_tokens, threads=threads
        )
        self._guides = Guides(folder, self._decoder.vocabulary)
        self.scheduler = Scheduler(self._decoder, plan.rows, shared_chunk_s=shared_chunk_s)
        self._long = self._long_lane(folder.graph) if plan.long_tokens else None
        logger.info("%s: %s, %d threads", folder.label, plan, threads)

    @staticmethod
    def can_run(folder: ModelFolder) -> bool:
        """Say whether a folder describes a graph for the CPU with nothing but tokens and a cache."""
        return folder.graph is not None and folder.graph.can_batch

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
        """Write a reply. `should_stop` and `on_step` are called by the scheduler. Raises: EngineError."""
        lane, ticket = self._ticket(request, should_stop, on_step)
        events = self._events(lane, ticket)
        yield from checked(events, request, ticket.sampler) if request.guidance else events

    def _events(self, lane: Scheduler, ticket: Ticket) -> Iterator[Delta | Finish]:
        lane.submit(ticket)
        yield from follow(ticket)

    def close(self) -> None:
        """End the schedulers' threads."""
        self.scheduler.close()
        if self._long:
            self._long.close()

    def _new_prompts(self) -> prompt.PromptWriter:
        return PromptWriter(self._folder, self._tokenizer)

    def _new_decoder(
        self, graph: Graph, *, rows: int, context_tokens: int, threads: int, beside: Decoder | None = None
    ) -> Decoder:
        return Decoder(graph, rows=rows, context_tokens=context_tokens, threads=threads, beside=beside)

    def _long_lane(self, graph: Graph) -> Scheduler:
        """Put one row beside the others, over the same weights, for what reaches beyond them."""
        decoder = self._new_decoder(
            graph, rows=1, context_tokens=self._plan.long_tokens, threads=0, beside=self._decoder
        )
        return Scheduler(decoder, 1, cliff=self._plan.cliff)

    def _lane(self, tokens: int) -> Scheduler:
        """Choose who writes a reply that makes so many tokens with its prompt."""
        return self._long if self._long and tokens > self._plan.context_tokens else self.scheduler

    def _ticket(
        self, request: GenerationRequest, should_stop: ShouldStop, on_step: Callable[[], None]
    ) -> tuple[Scheduler, Ticket]:
        check_options(request)
        asked = self.prompts.token_ids(request.messages)
        prompt = asked + self.prompts.begun_ids(asked, request)
        check_fits(request, len(prompt), self._plan.longest_tokens)
        lane = self._lane(len(prompt) + request.max_tokens)
        sampler = self._sampler(request, prompt)
        guesses = self._speculates and sampler.is_plain
        ticket = Ticket(
            prompt=prompt,
            reply=Reply(request, len(asked), self._tokenizer, self._folder.reply_ends),
            sampler=sampler,
            lookup=PromptLookup(prompt, lane.costs) if guesses else None,
            should_stop=should_stop,
            on_step=on_step,
        )
        return lane, ticket

    def _sampler(self, request: GenerationRequest, prompt: list[int]) -> Sampler:
        if request.guidance:
            return self._guides.sampler(request, prompt)
        return Sampler(request, prompt, self._decoder.vocabulary)
