"""A reply that is a summary: which document is meant, and its summary, stored or written while one waits."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat import events
from chat.answering import Question
from chat.clock import Clock
from chat.models import Message
from chat.sources import source_items
from chat.summary_requests import SummaryRequest, matching, recognise
from chat.writer import ReplyWriter
from inference.engines.base import Engine
from inference.quoting import escape
from inference.types import FinishReason, Usage
from jobs.models import JobState
from jobs.worker import Lease
from knowledge.access import readable_collections
from knowledge.errors import ProcessingStopped
from knowledge.models import Document
from knowledge.scope import LIVE, documents_answering
from knowledge.summaries import work as working
from knowledge.summaries.material import Material, of_document
from knowledge.summaries.reading import as_markdown, is_by_model, sources_of, stored_summary
from knowledge.summaries.steps import Step

logger = logging.getLogger(__name__)

MAX_PARTS = 8  # somebody waits: a longer document is read by what is most central in it
MAX_TITLES = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """The document to summarise; None: it is not clear which, `choices` are likely."""

    document: Document | None
    choices: tuple[Document, ...] = ()


def find_wanted(question: Question, reply: Message) -> Wanted | None:
    """Say which document a question asks a summary of; None where it asks something else.

    Only what the reader may read, and what answers at present, is known here.
    """
    request = recognise(question.text)
    if request is None or question.is_about_pictures:
        return None
    allowed = readable_collections(question.reader).filter(pk__in=question.assistant.collections.values("pk"))
    documents = documents_answering(list(allowed), LIVE).select_related("collection").order_by("-created_at")
    if request.name:
        return _named(request, documents)
    at_hand = _at_hand(reply)
    if at_hand and (document := documents.filter(pk=at_hand).first()):
        return Wanted(document)
    choices = tuple(documents[: MAX_TITLES + 1])
    if not choices:
        return None
    return Wanted(choices[0]) if len(choices) == 1 else Wanted(None, choices[:MAX_TITLES])


def _named(request: SummaryRequest, documents: QuerySet[Document]) -> Wanted | None:
    rows = documents.values_list("pk", "title", "name")
    keys = matching(request, {str(pk): (title, name) for pk, title, name in rows})
    if len(keys) == 1:
        return Wanted(documents.get(pk=keys[0]))
    likely = {str(one.pk): one for one in documents.filter(pk__in=keys[:MAX_TITLES])}
    if not keys and request.says_document:
        return Wanted(None, tuple(documents[:MAX_TITLES])) if documents.exists() else None
    return Wanted(None, tuple(likely[key] for key in keys if key in likely)) if keys else None


def _at_hand(reply: Message) -> str:
    """Return the document that the reply before this one cites, where it cites one alone."""
    assert reply.parent is not None
    before = reply.parent.parent
    cited = {item["document"] for item in before.citations} if before is not None else set()
    return cited.pop() if len(cited) == 1 else ""


def write(wanted: Wanted, engine: Engine, lease: Lease, writer: ReplyWriter, clock: Clock) -> JobState:
    """Write the reply. Raises: LeaseLost, EngineError, KnowledgeError."""
    if writer.full_text():  # of an attempt that died: parts are read anew, and so is what they say
        writer.restart()
    if wanted.document is None:
        writer.push(_which(wanted.choices))
        return _finish(writer, clock, engine.name, engine.model)
    stored = stored_summary(wanted.document)
    if stored is not None:
        writer.give_sources(source_items(sources_of([int(one["chunk"]) for one in stored.passages])))
        writer.push(as_markdown(stored.text))
        return _finish(
            writer, clock, stored.engine, stored.model, _notice(stored.left_out, by_model=is_by_model(stored))
        )
    try:
        return _write_now(of_document(wanted.document, LIVE), engine, lease, writer, clock)
    except ProcessingStopped:
        usage = Usage()
        timings = clock.timings(writer.first_delta_at, usage)
        writer.finish(FinishReason.CANCELLED, usage, timings, engine=engine.name, model=engine.model)
        return JobState.CANCELLED


def _write_now(
    material: Material, engine: Engine, lease: Lease, writer: ReplyWriter, clock: Clock
) -> JobState:
    """Read the document part by part, and stream what the last step writes."""

    def should_stop() -> bool:
        writer.tick()
        return lease.should_stop()

    work = working.begin(material, engine, MAX_PARTS)
    left_out = work.left_out
    while True:
        if should_stop():
            raise ProcessingStopped(material.title)
        writer.tell(events.ReplyPhase.READING, part=work.done + 1, parts=work.total)
        step = Step(work, material, engine)
        if work.is_final:
            break
        written = step.run(should_stop)
        left_out += written.left_out
        work = working.advance(work, written.note, material, engine, by_model=written.by_model)
    clock.retrieved()
    _stream(step, step.write(should_stop), writer)
    notice = _notice(left_out + step.left_out, by_model=step.by_model or work.by_model)
    return _finish(writer, clock, engine.name, engine.model, notice, step.usage)


def _stream(step: Step, pieces: Iterator[str], writer: ReplyWriter) -> None:
    """Pass sentences on; the sources are told first, and again where other sentences had to stand in."""
    given: tuple[int, ...] = ()
    if step.by_model:
        given = step.sources
        writer.give_sources(source_items(sources_of(given)))
    for piece in pieces:
        if step.sources != given:
            given = step.sources
            writer.give_sources(source_items(sources_of(given)))
        writer.push(piece if step.by_model else as_markdown(piece))


def _which(choices: tuple[Document, ...]) -> str:
    titles = "\n".join(f"- {escape(str(document))}" for document in choices)
    return _("Which document do you mean? Ask again with its title, for example:") + f"\n\n{titles}"


def _notice(left_out: int, *, by_model: bool) -> str:
    said = []
    if not by_model:
        said.append(_("These sentences were taken from the document word for word; no model wrote them."))
    if left_out:
        said.append(
            ngettext(
                "The document is long: %(count)d passage of it was left out.",
                "The document is long: %(count)d passages of it were left out.",
                left_out,
            )
            % {"count": left_out}
        )
    return " ".join(said)


def _finish(
    writer: ReplyWriter, clock: Clock, engine: str, model: str, notice: str = "", usage: Usage | None = None
) -> JobState:
    usage = usage or Usage()
    reason = FinishReason.STOP if writer.full_text() else FinishReason.NO_ANSWER
    timings = clock.timings(writer.first_delta_at, usage)
    writer.finish(reason, usage, timings, engine=engine, model=model, notice=notice)
    return JobState.DONE
