"""The runtime for GPUs: many replies at once through og.Engine, which batches a paged model by itself.

An engine, its requests and its steps belong to the thread that made them. So one thread owns it all and
the others hand it tickets; it looks at who gave up between any two steps. Stop strings and control
tokens are watched here, as for every other runtime, and a reply that they end is cancelled in the engine.

On a CPU, where nothing is paged, og.Engine writes a fixed batch to its end before it lets anybody in.
"""

import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from inference.engines.native.reply import check_fits, check_options
from inference.engines.native.tickets import Arrivals, follow
from inference.engines.onnxgenai.budget import Plan
from inference.engines.onnxgenai.folder import ModelFolder
from inference.engines.onnxgenai.guidance import check_begins, checked, grammar
from inference.engines.onnxgenai.prompt import PromptWriter
from inference.engines.onnxgenai.providers import check_providers
from inference.engines.onnxgenai.reply import Reply
from inference.errors import BadRequest, EngineError, EngineUnavailable, ModelBroken
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
    import onnxruntime_genai as og

EVENTS: Final = 64  # taken from the engine at once; the rest stays there for the next time

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Ticket:
    """One reply on its way through the engine. turn: its number there, once it was begun."""

    request: GenerationRequest
    prompt: list[int]
    reply: Reply
    should_stop: ShouldStop
    on_step: Callable[[], None]
    events: "queue.SimpleQueue[Delta | Finish | EngineError]" = field(default_factory=queue.SimpleQueue)
    is_abandoned: bool = False
    session: "og.Request | None" = None
    turn: int = 0


class EngineRuntime:
    """A model folder under og.Engine; see `inference.host_frames.Runtime`."""

    def __init__(self, folder: ModelFolder, *, plan: Plan, threads: int) -> None:
        """Load the model. Raises: EngineUnavailable, ModelBroken."""
        check_providers(folder)
        self._folder = folder
        self._limit = plan.context_tokens
        self._threads = threads
        self._arrivals: Arrivals[Ticket] = Arrivals()
        self._live: list[Ticket] = []
        loaded: queue.SimpleQueue[EngineError | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(loaded,), name="og-engine", daemon=True)
        self._thread.start()
        if (error := loaded.get()) is not None:
            raise error
        self.prompts = PromptWriter(folder, self._tokenizer)

    @staticmethod
    def can_run(folder: ModelFolder) -> bool:
        """Say whether a folder holds a paged model, which no other runtime can run."""
        return folder.is_paged

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
        """Write a reply; the engine's thread calls `should_stop` and `on_step`. Raises: EngineError."""
        check_options(request)
        check_begins(request)
        asked = self.prompts.token_ids(request.messages)
        prompt = asked + self.prompts.begun_ids(asked, request)
        check_fits(request, len(prompt), self._limit)
        reply = Reply(request, len(asked), self._tokenizer, self._folder.reply_ends)
        events = self._events(Ticket(request, prompt, reply, should_stop, on_step))
        yield from checked(events, request) if request.guidance else events

    def close(self) -> None:
        """End the thread after the step under way; replies that are not finished are dropped."""
        self._arrivals.close()
        self._thread.join()

    def _events(self, ticket: Ticket) -> Iterator[Delta | Finish]:
        self._arrivals.put(ticket)
        yield from follow(ticket)

    def _run(self, loaded: "queue.SimpleQueue[EngineError | None]") -> None:
        """Load the model and move every reply on, until closed."""
        try:
            self._load()
        except Exception as exc:  # noqa: BLE001 - told to whoever waits for the model
            loaded.put(exc if isinstance(exc, EngineError) else ModelBroken(f"{self._folder.path}: {exc}"))
            return
        loaded.put(None)
        while not self._arrivals.is_closed:
            for ticket in self._arrivals.take(wait=not self._live):
                self._begin(ticket)
            try:
                self._drop_unwanted()
                self._step()
            except Exception as exc:  # whatever the engine throws ends these replies, not the thread
                logger.exception("a step failed")
                self._start_over(f"a step failed: {exc}")

    def _load(self) -> None:
        import onnxruntime_genai as og

        config = og.Config(os.fspath(self._folder.path))
        threads = {"intra_op_num_threads": self._threads}
        config.overlay(json.dumps({"model": {"decoder": {"session_options": threads}}}))
        self._model = og.Model(config)
        self._tokenizer = og.Tokenizer(self._model)
        self._new_engine()
        self.slots = max(1, int(self._engine.get_capabilities().configured_max_batch_size))

    def _new_engine(self) -> None:
        import onnxruntime_genai as og

        self._engine = og.Engine(self._model)
        self._buffer = self._engine.create_event_buffer(EVENTS)

    def _begin(self, ticket: Ticket) -> None:
        """Hand a reply to the engine; one that it refuses ends here, with the reason."""
        import onnxruntime_genai as og

        request = ticket.request
        try:
            options = og.RequestOptions()
            options.set_max_session_tokens(len(ticket.prompt) + request.max_tokens)
            ticket.session = self._engine.create_request(options=options)
            ticket.turn = ticket.session.begin_turn(ticket.prompt, turn_options(ticket.session, request))
        except RuntimeError as exc:
            self._let_go(ticket)
            ticket.events.put(BadRequest(" ".join(str(exc).split())))
        except EngineError as error:
            self._let_go(ticket)
            ticket.events.put(error)
        else:
            self._live.append(ticket)

    def _drop_unwanted(self) -> None:
        for ticket in list(self._live):
            if ticket.is_abandoned or ticket.should_stop():
                self._finish(ticket, FinishReason.CANCELLED)

    def _step(self) -> None:
        if not self._live:
            return
        tickets = {id(ticket.session): ticket for ticket in self._live}
        for event in self._engine.run(self._buffer):
            ticket = tickets.get(id(event.request))
            if ticket is None:
                self._engine_event(event)
            elif ticket in self._live and event.turn_id == ticket.turn:
                self._take(ticket, event)
        for ticket in tickets.values():
            ticket.on_step()

    def _take(self, ticket: Ticket, event: "og.EngineEvent") -> None:
        """Say what a step brought for one reply."""
        import onnxruntime_genai as og

        flags = og.EngineEventFlags
        if event.flags & flags.TOKEN:
            for said in ticket.reply.add(int(event.token)):
                if isinstance(said, Finish):
                    self._let_go(ticket)
                ticket.events.put(said)
        if event.flags & flags.TURN_FINISHED and not ticket.reply.is_finished:
            ticket.reply.cached_tokens = int(event.usage.cached_prompt_tokens)
            if event.finish_reason == og.FinishReason.FAILED:
                self._let_go(ticket)
                ticket.events.put(EngineError(f"the engine gave a reply up: {event.error_code.name}"))
            else:
                is_end = event.finish_reason in {og.FinishReason.EOS, og.FinishReason.STOP_STRING}
                self._finish(ticket, FinishReason.STOP if is_end else FinishReason.LENGTH)

    def _engine_event(self, event: "og.EngineEvent") -> None:
        """Hear what concerns no reply: pressure passes by itself, a failure ends them all."""
        import onnxruntime_genai as og

        if event.flags & og.EngineEventFlags.FAILED:
            raise EngineUnavailable(f"the engine failed: {event.error_code.name}")

    def _finish(self, ticket: Ticket, reason: FinishReason) -> None:
        self._let_go(ticket)
        for event in ticket.reply.finish(reason):
            ticket.events.put(event)

    def _let_go(self, ticket: Ticket) -> None:
        """Take a reply out of the engine; what it holds there is free before the next step."""
        if ticket in self._live:
            self._live.remove(ticket)
        if ticket.session is not None:
            session, ticket.session = ticket.session, None
            session.close()

    def _start_over(self, reason: str) -> None:
        """End every reply and begin with an engine that has seen none of them."""
        for ticket in self._live:
            ticket.session = None
            ticket.events.put(EngineError(reason))
        self._live = []
        self._new_engine()


def turn_options(session: "og.Request", request: GenerationRequest) -> "og.TurnOptions":
    """Write a request's options as the engine takes them. Raises: BadRequest, RuntimeError."""
    import onnxruntime_genai as og

    options = og.TurnOptions(session)
    options.set_max_generated_tokens(request.max_tokens)
    options.set_do_sample(request.temperature > 0)
    if request.temperature > 0:
        options.set_temperature(request.temperature)
        options.set_top_p(request.top_p)
        options.set_top_k(request.top_k)
        if request.seed is not None:
            options.set_seed(request.seed)
    options.set_repetition_penalty(request.repetition_penalty)
    if request.guidance:
        options.set_guidance(*grammar(request.guidance))
    return options
