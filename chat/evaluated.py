"""Answers for the evaluation: the engine's, from the same prompt and with the same rules as a turn's."""

import re
from dataclasses import replace
from typing import Final

from django.contrib.auth.models import AnonymousUser

from chat import answering
from chat.answering import Question
from chat.models import Assistant
from inference.conf import get_engine
from inference.types import Delta, Finish, FinishReason
from knowledge.evaluation import Answer, GoldenQuestion
from knowledge.retrieval_types import SearchResult

_CITATION: Final = re.compile(r"\[(\d{1,2})\]")


class Answering:
    """Asks the site's engine. Call it with a question and what retrieval found."""

    def __init__(self) -> None:
        """Load the engine. Raises: EngineError."""
        self._assistant = Assistant(slug="evaluation", name="Evaluation")
        self._engine = get_engine()
        self._engine.load()

    def __call__(self, golden: GoldenQuestion, result: SearchResult) -> Answer:
        """Answer as a turn would, refusing what retrieval holds for unanswerable."""
        if not result.is_answerable:
            return Answer("", is_abstention=True, cited=frozenset())
        shown = replace(result, passages=result.passages[: answering.TOP_K])
        question = Question(golden.question, AnonymousUser(), self._assistant)
        text, reason = "", FinishReason.STOP
        for event in self._engine.stream(answering.plan(question, shown, self._engine).request):
            match event:
                case Delta(piece):
                    text += piece
                case Finish(reason=reason):
                    pass
        is_abstention = (
            reason == FinishReason.NO_ANSWER or not text.strip() or text.strip() == question.refusal
        )
        cited = {int(n) for n in _CITATION.findall(text)}
        ids = {passage.document_id for n, passage in enumerate(shown.passages, start=1) if n in cited}
        return Answer(text, is_abstention, frozenset(ids))
