"""The one thread that owns an OpenVINO pipeline: it adds replies, steps, reads tokens, cancels.

OpenVINO batches continuously: a late reply joins between two steps, a long prompt is read in pieces.
"""

import itertools
import logging
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from inference.engines.native.reply import Reply
from inference.errors import EngineBusy, EngineError
from inference.types import Delta, Finish, FinishReason, ShouldStop

EXIT_BROKEN: Final = 70
IDLE_S: Final = 0.2

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Ticket:
    """One reply to be written; `events` is where it is read. is_abandoned: nobody reads any more."""

    prompt: list[int]
    options: Any
    reply: Reply
    should_stop: ShouldStop
    on_step: Callable[[], None]
    events: queue.SimpleQueue[Delta | Finish | EngineError] = field(default_factory=queue.SimpleQueue)
    is_abandoned: bool = False
    handle: Any = None


class Batches:
    """Runs the pipeline for as long as there are tickets."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._waiting: queue.SimpleQueue[Ticket] = queue.SimpleQueue()
        self._active: list[Ticket] = []
        self._numbers = itertools.count(1)
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="openvino-steps", daemon=True)
        self._thread.start()

    def submit(self, ticket: Ticket) -> None:
        """Take a reply in; its events come from now on."""
        self._waiting.put(ticket)

    def close(self) -> None:
        """End the thread after its step."""
        self._is_closing = True
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closing:
            try:
                self._admit()
                self._drop_unwanted()
                if self._active:
                    self._pipeline.step()
                    self._read()
            except Exception:
                # The pipeline's state is unknown: a fresh process answers the next request.
                logger.exception("OpenVINO failed in mid-step")
                os._exit(EXIT_BROKEN)

    def _admit(self) -> None:
        """Take in who waits; without anything else to do, wait a moment for somebody."""
        try:
            while True:
                ticket = self._waiting.get(timeout=None if self._active else IDLE_S, block=not self._active)
                self._add(ticket)
        except queue.Empty:
            return

    def _add(self, ticket: Ticket) -> None:
        import numpy as np
        import openvino

        prompt = openvino.Tensor(np.array([ticket.prompt], dtype=np.int64))
        ticket.handle = self._pipeline.add_request(next(self._numbers), prompt, ticket.options)
        self._active.append(ticket)

    def _drop_unwanted(self) -> None:
        for ticket in list(self._active):
            if ticket.is_abandoned or ticket.should_stop():
                self._end(ticket, FinishReason.CANCELLED)

    def _read(self) -> None:
        import openvino_genai as genai

        for ticket in list(self._active):
            ticket.on_step()
            while not ticket.reply.is_finished and ticket.handle.can_read():
                for output in ticket.handle.read().values():
                    self._say(ticket, output.generated_ids)
            if ticket.reply.is_finished:
                self._leave(ticket)
            elif ticket.handle.get_status() == genai.GenerationStatus.IGNORED:
                ticket.events.put(EngineBusy("OpenVINO has no memory left for this reply"))
                self._leave(ticket)
            elif ticket.handle.get_status() != genai.GenerationStatus.RUNNING:
                self._end(ticket, FinishReason.STOP)

    def _say(self, ticket: Ticket, tokens: list[int]) -> None:
        for token in tokens:
            if not ticket.reply.is_finished:
                for event in ticket.reply.add(int(token)):
                    ticket.events.put(event)

    def _end(self, ticket: Ticket, reason: FinishReason) -> None:
        for event in ticket.reply.finish(reason):
            ticket.events.put(event)
        self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        """Free the memory of a reply that has ended, wherever it was."""
        ticket.handle.cancel()
        self._active.remove(ticket)
