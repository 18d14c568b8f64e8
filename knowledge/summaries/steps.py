"""One step of a summary: ask the engine about one part, and pass on only what the part supports."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from inference.engines.base import Engine
from inference.errors import EngineCrashed
from inference.types import Delta, Finish, FinishReason, GenerationRequest, ShouldStop, Usage
from knowledge.errors import ProcessingStopped
from knowledge.summaries import extractive
from knowledge.summaries.checking import Checker
from knowledge.summaries.material import Material, texts_of
from knowledge.summaries.notes import Note, cited_only
from knowledge.summaries.planning import fit
from knowledge.summaries.prompts import build
from knowledge.summaries.work import WRITES_NOTHING, Work

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What a step gave. by_model: False where its sentences were taken from the document."""

    note: Note
    by_model: bool
    left_out: int = 0


class Step:
    """The next step of a summary. sources: the chunks its [n] stand for, known before a word is written."""

    def __init__(self, work: Work, material: Material, engine: Engine) -> None:
        """Build the prompt. Raises: EngineError."""
        self._engine = engine
        self._task = work.task(material)
        self._notes = work.notes
        self.by_model = engine.name != WRITES_NOTHING
        self.left_out = 0
        self.text = ""
        self.usage = Usage()
        if self.by_model:
            kept = fit(work.notes, self._task, engine.count_tokens, engine.context_tokens)
            self.left_out = sum(note.is_passage for note in work.notes[len(kept) :])
            self._messages, shown = build(self._task, kept)
            self.sources = shown.sources
            self._checker = Checker(texts_of(material, shown.sources))
        else:
            self._take_sentences()

    def write(self, should_stop: ShouldStop) -> Iterator[str]:
        """Yield the text as it is checked, sentence by sentence.

        Where a model says nothing that its part supports, sentences of the part stand in for it; `sources`
        are theirs then. Raises: EngineError, ProcessingStopped.
        """
        if not self.by_model:
            yield self.text
            return
        for piece in self._ask(should_stop):
            self.text += piece
            if piece:
                yield piece
        if not self.text:
            logger.info("the model wrote nothing that its passages say; sentences are taken from them")
            self._take_sentences()
            yield self.text

    def run(self, should_stop: ShouldStop) -> Written:
        """Write all of it. Raises: EngineError, ProcessingStopped."""
        for _piece in self.write(should_stop):
            continue
        return Written(cited_only(self.text, self.sources), self.by_model, self.left_out)

    def _take_sentences(self) -> None:
        note = extractive.summarise(self._notes)
        self.by_model = False
        self.text, self.sources = note.text, note.sources

    def _ask(self, should_stop: ShouldStop) -> Iterator[str]:
        request = GenerationRequest(messages=self._messages, max_tokens=self._task.max_tokens)
        for event in self._engine.stream(request, should_stop=should_stop):
            if isinstance(event, Delta):
                yield self._checker.feed(event.text)
                continue
            assert isinstance(event, Finish)
            if event.reason == FinishReason.CANCELLED:
                raise ProcessingStopped(self._task.title)
            self.usage = event.usage
            yield self._checker.finish(is_whole=event.reason != FinishReason.LENGTH)
            return
        raise EngineCrashed("the stream ended without a finish")
