"""Golden questions over golden documents: ingest for real, ask, and count. Shared by `evaluate` and pages.

The files' format is fixed (docs/evaluation.md). A room above brings the answers, as a function.
"""

import hashlib
import json
import logging
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.core.files.base import ContentFile

from accounts.models import User
from knowledge import ingest, retrieval
from knowledge.errors import Duplicate
from knowledge.models import Collection, DocumentStatus
from knowledge.names import clean_file_name
from knowledge.retrieval_types import SearchResult

logger = logging.getLogger(__name__)

DEPTH = 10  # for mrr@10
Golden = TypeVar("Golden")


class BadEvaluationFile(Exception):
    """A line is not what the format says; the message names file and line."""


@dataclass(frozen=True, slots=True)
class GoldenPassage:
    """A passage of a golden document."""

    id: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class GoldenDocument:
    """A document to be ingested."""

    id: str
    title: str
    passages: tuple[GoldenPassage, ...]


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """A question with what answers it. history: (role, text) of the turns before, oldest first."""

    id: str
    question: str
    doc_id: str
    passage_ids: tuple[str, ...]
    answers: tuple[str, ...]
    is_unanswerable: bool
    history: tuple[tuple[str, str], ...] = ()

    @property
    def previous(self) -> str:
        """The question before this one."""
        return next((text for role, text in reversed(self.history) if role == "user"), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine made of a question. cited: ids of the documents its citations lead to."""

    text: str
    is_abstention: bool
    cited: frozenset[str]


Answerer = Callable[[GoldenQuestion, SearchResult], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with what came of it. is_absent: its documents were held out."""

    question: GoldenQuestion
    is_absent: bool
    rank: int | None  # of the first hit, from 0
    is_recalled: bool | None  # a gold answer stands in the first five passages; None: no answer to look for
    result: SearchResult
    latency_ms: float
    answer: Answer | None = None
    gold_documents: frozenset[str] = frozenset()

    @property
    def is_answerable(self) -> bool:
        """Whether it has an answer and its document is there."""
        return not self.is_absent and not self.question.is_unanswerable


@dataclass(slots=True)
class Corpus:
    """Golden documents as they were ingested. by_golden_id: → ids of the document rows."""

    collection: Collection
    by_golden_id: dict[str, set[str]] = field(default_factory=dict)
    by_passage: dict[str, str] = field(default_factory=dict)  # golden passage id → golden document id
    documents: int = 0
    chunks: int = 0
    seconds: float = 0.0


def read_documents(path: Path) -> list[GoldenDocument]:
    """Read documents.jsonl. Raises: BadEvaluationFile."""
    return _read(path, _document)


def read_questions(path: Path) -> list[GoldenQuestion]:
    """Read questions.jsonl. Raises: BadEvaluationFile."""
    return _read(path, _question)


def hold_out(documents: Sequence[GoldenDocument], share: float) -> list[GoldenDocument]:
    """Leave out that share of the documents, the same ones every time."""
    by_digest = sorted(documents, key=lambda item: hashlib.sha256(item.id.encode()).digest())
    kept = {item.id for item in by_digest[round(len(documents) * share) :]}
    return [item for item in documents if item.id in kept]


def write_markdown(document: GoldenDocument) -> bytes:
    """Write a document as the file that is ingested."""
    parts = [f"# {document.title}"]
    for passage in document.passages:
        if passage.heading:
            parts.append(f"## {passage.heading}")
        parts.append(passage.text)
    return "\n\n".join(parts).encode()


def ingest_documents(
    documents: Sequence[GoldenDocument], collection: Collection, tell: Callable[[int], None]
) -> Corpus:
    """Ingest golden documents through the real pipeline; one that fails is logged and missed.

    tell: called with the number done so far.
    """
    corpus = Corpus(collection)
    started = time.perf_counter()
    for done, golden in enumerate(documents, start=1):
        corpus.by_golden_id.setdefault(golden.id, set()).add(_ingest(golden, corpus))
        corpus.by_passage.update({passage.id: golden.id for passage in golden.passages})
        tell(done)
    corpus.documents = len(documents)
    corpus.seconds = time.perf_counter() - started
    return corpus


def _ingest(golden: GoldenDocument, corpus: Corpus) -> str:
    """Ingest one document and return its row's id; the same content twice is one document."""
    file = ContentFile(write_markdown(golden))
    name = f"{clean_file_name(golden.id)[:80]}.md"
    try:
        document = ingest.add_document(corpus.collection, name, file, owner=None, queue=False)
    except Duplicate as exc:
        return exc.document_id
    document = ingest.ingest_now(document)
    if document.status != DocumentStatus.READY:
        logger.warning("%s: %s %s", golden.id, document.status, document.error_message)
    corpus.chunks += document.chunk_count
    return str(document.pk)


def ask(corpus: Corpus, question: GoldenQuestion, answer: Answerer | None = None) -> Asked:
    """Ask one question and compare with what was expected."""
    gold = frozenset(
        row
        for name in {question.doc_id, *(corpus.by_passage.get(item, "") for item in question.passage_ids)}
        for row in corpus.by_golden_id.get(name, ())
    )
    started = time.perf_counter()
    result = retrieval.search(
        question.question,
        user=User(username="evaluation", is_superuser=True),
        collections=Collection.objects.filter(pk=corpus.collection.pk),
        top_k=DEPTH,
        previous=question.previous,
    )
    latency_ms = (time.perf_counter() - started) * 1000
    wanted = [fold(text) for text in question.answers]
    texts = [fold(passage.text) for passage in result.passages]
    ranks = (
        rank
        for rank, passage in enumerate(result.passages)
        if passage.document_id in gold and (not wanted or any(item in texts[rank] for item in wanted))
    )
    return Asked(
        question=question,
        is_absent=not gold,
        rank=next(ranks, None),
        is_recalled=any(item in text for item in wanted for text in texts[:5]) if wanted else None,
        result=result,
        latency_ms=latency_ms,
        answer=answer(question, result) if answer else None,
        gold_documents=gold,
    )


def fold(text: str) -> str:
    """Fold as both sides of every comparison are: NFKC, case, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _document(row: dict[str, Any]) -> GoldenDocument:
    return GoldenDocument(
        id=str(row["id"]),
        title=str(row.get("title") or row["id"]),
        passages=tuple(
            GoldenPassage(str(part["id"]), str(part.get("heading") or ""), str(part["text"]))
            for part in row["passages"]
        ),
    )


def _question(row: dict[str, Any]) -> GoldenQuestion:
    return GoldenQuestion(
        id=str(row["id"]),
        question=str(row["question"]),
        doc_id=str(row["doc_id"]),
        passage_ids=tuple(map(str, row.get("passage_ids") or ())),
        answers=tuple(str(answer) for answer in row.get("answers") or () if str(answer).strip()),
        is_unanswerable=bool(row.get("unanswerable")),
        history=tuple((str(turn["role"]), str(turn["text"])) for turn in row.get("history") or ()),
    )


def _read(path: Path, build: Callable[[dict[str, Any]], Golden]) -> list[Golden]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would cut at U+2028 inside a string
    except OSError as exc:
        raise BadEvaluationFile(f"{path} cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise BadEvaluationFile(f"{path} is not UTF-8 text; JSON Lines are expected.") from exc
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                rows.append(build(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError) as exc:
                raise BadEvaluationFile(f"{path}, line {number}: {type(exc).__name__}: {exc}") from exc
    return rows
