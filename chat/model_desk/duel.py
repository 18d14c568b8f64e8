"""The same question to two models at the same time: one job, one log with the words of both.

Nothing is stored but the job: question, words and timings live in its log, for an hour.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final
from uuid import uuid4

from django.conf import settings

from accounts.models import User
from chat import answering
from chat.language import detect
from chat.loading import load_unless_stopped
from chat.model_desk.asked import KIND, Asked, log_key, note, read_asked, read_pictures
from chat.model_desk.contenders import Contender, opened
from chat.models import Assistant
from inference.engines.base import Engine
from inference.errors import EngineCrashed, EngineError
from inference.types import ChatMessage, Finish, FinishReason, GenerationRequest, Image, Role
from jobs import queue, worker
from jobs.errors import LeaseLost, QueueFull
from jobs.log import get_log
from jobs.models import Job, JobState
from jobs.worker import Lease
from knowledge import retrieval
from knowledge.errors import KnowledgeError
from knowledge.models import Collection
from knowledge.retrieval_types import SearchResult

MEASURABLE_S: Final = 0.05
NOTHING: Final = SearchResult((), 0.0, is_answerable=False)

logger = logging.getLogger(__name__)


def ask(asked: Asked, picture: Image | None = None) -> str:
    """Queue a question to both and return its key. It counts as one reply of the person.

    Raises: QueueFull, LogUnavailable.
    """
    key = uuid4().hex
    note(key, asked, picture)
    try:
        queue.enqueue(
            KIND,
            key,
            owner=f"u:{asked.user_id}",
            engine=_engines(asked.sides),
            limit=settings.MAX_QUEUED_REPLIES,
        )
    except QueueFull:
        get_log().close(log_key(key))
        raise
    return key


def _engines(sides: Sequence[Contender]) -> str:
    """Name both engines, whichever stands first."""
    return "+".join(sorted(side.value.partition("@")[0] for side in sides))


def stop(job: Job) -> None:
    """Ask both to stop; what they wrote stays to be read."""
    if worker.cancel(job.pk) == JobState.CANCELLED:
        get_log().close(log_key(job.subject))


def run_duel(lease: Lease) -> JobState:
    """Let both write at the same time. Raises: LeaseLost, LogUnavailable."""
    asked = read_asked(lease.job.subject)
    if asked is None:
        return JobState.CANCELLED
    pictures = read_pictures(lease.job.subject) if asked.has_picture else ()
    try:
        found = _search(asked)
    except KnowledgeError as exc:
        logger.warning("%s: %s: %s", lease.job, exc.code, exc)
        for at in range(len(asked.sides)):
            _Side(lease, at).fail(exc.code, str(exc))
        found = None
    if found is not None:
        with ThreadPoolExecutor(len(asked.sides), thread_name_prefix="duel") as pool:
            runs = [
                pool.submit(_Side(lease, at).run, asked, pictures, found) for at in range(len(asked.sides))
            ]
        for run in runs:
            run.result()
    get_log().close(log_key(lease.job.subject))
    return JobState.CANCELLED if lease.should_stop() else JobState.DONE


def end_duel(job: Job) -> None:
    """Mark the end of the log of a question whose worker died."""
    get_log().close(log_key(job.subject))


def _search(asked: Asked) -> SearchResult:
    """Find the passages both get. Raises: KnowledgeError."""
    if not asked.collection:
        return NOTHING
    return retrieval.search(
        asked.question,
        user=User.objects.get(pk=asked.user_id),
        collections=Collection.objects.filter(slug=asked.collection),
        top_k=answering.TOP_K,
    )


def _request(
    asked: Asked, pictures: tuple[Image, ...], found: SearchResult, engine: Engine
) -> GenerationRequest:
    """Build the prompt: the bare question, or as an assistant without instructions would ask it."""
    if not asked.collection:
        question = ChatMessage(Role.USER, asked.question, pictures)
        return GenerationRequest((question,), max_tokens=answering.MAX_TOKENS, guidance=asked.guidance)
    assistant = Assistant(language=detect(asked.question))
    question_asked = answering.Question(asked.question, User(pk=asked.user_id), assistant, images=pictures)
    return replace(answering.plan(question_asked, found, engine).request, guidance=asked.guidance)


class _Side:
    """One of the two: what it writes goes to the log. No database here: it runs in a thread of its own."""

    def __init__(self, lease: Lease, at: int) -> None:
        self._lease = lease
        self._at = at

    def run(self, asked: Asked, pictures: tuple[Image, ...], found: SearchResult) -> None:
        """Load, ask, pass on. Raises: LeaseLost, LogUnavailable."""
        value = asked.sides[self._at].value
        try:
            with opened(value) as engine:
                self._write(engine, asked, pictures, found)
        except EngineError as exc:
            logger.warning("%s: %s failed: %s: %s", self._lease.job, value, exc.code, exc)
            self.fail(exc.code, str(exc))

    def _write(self, engine: Engine, asked: Asked, pictures: tuple[Image, ...], found: SearchResult) -> None:
        self._tell("loading", model=engine.model)
        began = time.monotonic()
        load_unless_stopped(engine, self._lease.should_stop)
        if self._lease.should_stop():
            self._tell("finished", reason=str(FinishReason.CANCELLED))
            return
        loaded = time.monotonic()
        request = _request(asked, pictures, found, engine)
        self._tell("reading", load_s=round(loaded - began, 3))
        first: float | None = None
        asked_at = time.monotonic()
        for event in engine.stream(request, should_stop=self._lease.should_stop):
            if isinstance(event, Finish):
                self._finish(event, asked_at, first)
                return
            first = first or time.monotonic()
            self._tell("delta", text=event.text)
        raise EngineCrashed("the stream ended without a finish")

    def _finish(self, finish: Finish, asked_at: float, first: float | None) -> None:
        now = time.monotonic()
        writing_s = now - first if first else 0.0
        written = finish.usage.completion_tokens
        self._tell(
            "finished",
            reason=str(finish.reason),
            first_token_s=round(first - asked_at, 2) if first else None,
            total_s=round(now - asked_at, 2),
            tokens_per_s=round(written / writing_s, 1) if writing_s > MEASURABLE_S else None,
            prompt_tokens=finish.usage.prompt_tokens,
            completion_tokens=written,
        )

    def fail(self, code: str, detail: str) -> None:
        """Say why there is no answer."""
        self._tell("failed", code=code, detail=detail)

    def _tell(self, what: str, **more: object) -> None:
        job = self._lease.job
        if not get_log().append(
            log_key(job.subject), job.attempt, [{"type": what, "side": self._at, **more}]
        ):
            raise LeaseLost(f"{job} attempt {job.attempt}")
