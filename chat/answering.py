"""From a question to what the engine is asked: retrieve, and build the prompt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from chat import language as languages
from chat.events import SourceItem
from chat.models import Assistant
from chat.prompts import PromptPassage, Turn, build
from inference.engines.base import Engine
from inference.errors import PicturesTooLong
from inference.types import GenerationRequest, Image, Quote
from knowledge import retrieval
from knowledge.retrieval_types import SearchResult

TOP_K = 5
MAX_TOKENS = 400
MAX_QUOTES = 8
NO_LIMIT = 10**9

_LIST_MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what came before it.

    reader: whose access decides what is retrieved. ui_language: of the page it was asked on. images: the
    pictures sent with it.
    """

    text: str
    reader: User | AnonymousUser
    assistant: Assistant
    history: tuple[Turn, ...] = ()
    ui_language: str = ""
    images: tuple[Image, ...] = ()

    @property
    def language(self) -> str:
        """The language to answer in: the assistant's, else the question's, else the page's."""
        return self.assistant.language or languages.detect(self.text) or self.ui_language or "en"

    @property
    def refusal(self) -> str:
        """The sentence that says nothing was found."""
        return self.assistant.localized("refusal", self.language)

    @property
    def is_about_pictures(self) -> bool:
        """Whether it came with a picture, or follows a question that did."""
        return bool(self.images or (self.history and self.history[-1].images))

    def without_earlier_pictures(self) -> "Question":
        """Return the question for a model that turned out to read text only."""
        return replace(self, history=tuple(replace(turn, images=()) for turn in self.history))


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine is asked. is_shortened: older turns or passages did not fit."""

    request: GenerationRequest
    is_shortened: bool


def retrieve(question: Question) -> SearchResult:
    """Find the passages for a question. Raises: KnowledgeError."""
    return retrieval.search(
        question.text,
        user=question.reader,
        collections=question.assistant.collections.all(),
        top_k=TOP_K,
        previous=question.history[-1].question if question.history else "",
    )


def usable(question: Question, result: SearchResult) -> SearchResult | None:
    """Return what a reply may be written from; None where it must be refused.

    A question with a picture, or right after one, is asked also when the documents know nothing about it:
    then from the picture alone.
    """
    if result.is_answerable:
        return result
    return replace(result, passages=()) if question.is_about_pictures else None


def plan(question: Question, result: SearchResult, engine: Engine) -> Plan:
    """Build the request from the passages found. Raises: EngineError.

    PicturesTooLong where not even the question alone fits with its pictures: an engine would cut one in two.
    """
    passages = [
        PromptPassage(n=n, title=passage.document_title, heading=passage.heading, text=passage.text)
        for n, passage in enumerate(result.passages, start=1)
    ]
    prompt = build(
        question.text,
        passages,
        question.history,
        images=question.images,
        instructions=question.assistant.instructions,
        language=question.language,
        refusal=question.refusal,
        count_tokens=engine.count_tokens,
        context_tokens=engine.context_tokens or NO_LIMIT,
        max_tokens=MAX_TOKENS,
    )
    if question.images and not prompt.fits:
        raise PicturesTooLong(f"{len(question.images)} images in {engine.context_tokens} tokens")
    request = GenerationRequest(messages=prompt.messages, max_tokens=MAX_TOKENS, quotes=quotes(result))
    return Plan(request, bool(prompt.dropped_turns or prompt.dropped_passages))


def quotes(result: SearchResult) -> tuple[Quote, ...]:
    """Return the sentences that may be quoted, best first."""
    found = [
        Quote(n, _LIST_MARK.sub("", passage.text[sentence.start : sentence.end]).strip(), sentence.score)
        for n, passage in enumerate(result.passages, start=1)
        for sentence in passage.sentences
        if not passage.text[sentence.start : sentence.end].rstrip().endswith(":")  # leads in, says nothing
    ]
    return tuple(sorted(found, key=lambda quote: -quote.score)[:MAX_QUOTES])


def prompt_passages(sources: Sequence[SourceItem]) -> tuple[PromptPassage, ...]:
    """Return stored sources as the passages an earlier turn was given."""
    return tuple(
        PromptPassage(n=item["n"], title=item["title"], heading=item["heading"], text=item["excerpt"])
        for item in sources
    )
