"""The verbs of golden questions: keep one, accept a new answer, take files in and give them out."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet

from knowledge.evaluation import fold
from knowledge.extract.clean import clean_line
from knowledge.language import detect
from knowledge.models import (
    Collection,
    Document,
    DocumentStatus,
    Expectation,
    GoldenQuestion,
    GoldenResult,
    Origin,
)

if TYPE_CHECKING:
    from accounts.models import User

MOST_ROWS: Final = 5_000
TEXT_CHARS, QUOTE_CHARS = 2000, 500


class TooManyQuestions(Exception):
    """A file has more questions than are taken at once."""


class BadGoldenFile(Exception):
    """A line is not a golden question; carries its number."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep the line's number, from 1."""
        super().__init__(f"line {line}: {reason}")
        self.line = line


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What an import did. unknown: documents that were named and are not here; the first few."""

    added: int
    known: int
    unknown: tuple[str, ...]


def save_question(
    question: GoldenQuestion, *, by: "User | None" = None, translation_of: GoldenQuestion | None = None
) -> GoldenQuestion:
    """Store a question with its language; a refused one expects no document."""
    question.text = clean_line(question.text)[:TEXT_CHARS]
    question.previous, question.quote = clean_line(question.previous), clean_line(question.quote)
    question.language = detect(question.text)
    if question.expectation == Expectation.REFUSE:
        question.document, question.quote = None, ""
    if translation_of is not None:
        question.meaning = translation_of.meaning
    if question._state.adding:
        question.created_by = by
    question.save()
    return question


def accept_new_answer(result: GoldenResult) -> GoldenQuestion:
    """Expect from now on what came in a run: the document found first, or that it is refused."""
    question = result.question
    first = result.passages[0] if result.passages else None
    found = (
        Document.objects.filter(pk=first["document"], collection=question.collection).first()
        if first
        else None
    )
    if result.is_answerable and found is not None:
        question.expectation, question.document, question.quote = Expectation.FIND, found, ""
    else:
        question.expectation, question.document, question.quote = Expectation.REFUSE, None, ""
    question.save(update_fields=["expectation", "document", "quote"])
    return question


def export_lines(questions: QuerySet[GoldenQuestion]) -> Iterator[str]:
    """Write questions as JSON Lines in the evaluation's format, with what it has no word for beside it."""
    for row in questions.select_related("document"):
        is_refused = row.expectation == Expectation.REFUSE
        yield json.dumps(
            {
                "id": str(row.pk),
                "question": row.text,
                "lang": row.language,
                "doc_id": row.document.name if row.document else "",
                "passage_ids": [],
                "answers": [row.quote] if row.quote else [],
                "unanswerable": is_refused,
                "history": [{"role": "user", "text": row.previous}] if row.previous else [],
                "meaning": str(row.meaning),
            },
            ensure_ascii=False,
        )


def import_lines(collection: Collection, text: str, *, by: "User | None") -> TakenIn:
    """Add questions from JSON Lines; those that are here already are left alone.

    doc_id names a document by id, file name or title, with or without the file's ending.
    Raises: BadGoldenFile, TooManyQuestions.
    """
    names = _document_names(collection)
    here = {fold(row) for row in collection.golden_questions.values_list("text", flat=True)}
    fresh: list[GoldenQuestion] = []
    unknown: dict[str, None] = {}
    known = 0
    for number, row in _rows(text):
        question = _question(collection, row, number, names, unknown)
        if fold(question.text) in here:
            known += 1
            continue
        here.add(fold(question.text))
        question.created_by = by
        fresh.append(question)
    usable = [row for row in fresh if row.document or row.expectation == Expectation.REFUSE]
    with transaction.atomic():
        GoldenQuestion.objects.bulk_create(usable, batch_size=500)
    return TakenIn(len(usable), known, tuple(unknown)[:5])


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > MOST_ROWS:
        raise TooManyQuestions(len(lines))
    for number, line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise BadGoldenFile(number, str(exc)) from exc
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("question"), str)
            or not clean_line(row["question"])
        ):
            raise BadGoldenFile(number, "no question")
        yield number, row


def _question(
    collection: Collection,
    row: Mapping[str, object],
    number: int,
    names: Mapping[str, Document],
    unknown: dict[str, None],
) -> GoldenQuestion:
    is_refused = row.get("unanswerable") is True
    named = clean_line(str(row.get("doc_id") or ""))
    document = None if is_refused else names.get(fold(named))
    if not is_refused and document is None:
        unknown[named or f"#{number}"] = None
    question = clean_line(str(row["question"]))[:TEXT_CHARS]
    return GoldenQuestion(
        collection=collection,
        text=question,
        previous=clean_line(_previous(row.get("history")))[:TEXT_CHARS],
        language=detect(question),
        expectation=Expectation.REFUSE if is_refused else Expectation.FIND,
        document=document,
        quote="" if is_refused else _quote(row.get("answers")),
        meaning=_meaning(row.get("meaning")),
        origin=Origin.PERSON,
    )


def _quote(answers: object) -> str:
    """The one text that must be found; where several answers are right, none of them must."""
    texts = [clean_line(str(text)) for text in answers] if isinstance(answers, list) else []
    return texts[0][:QUOTE_CHARS] if len({fold(text) for text in texts}) == 1 else ""


def _previous(history: object) -> str:
    turns: Iterable[object] = reversed(history) if isinstance(history, list) else ()
    for turn in turns:
        if isinstance(turn, dict) and turn.get("role") == "user":
            return str(turn.get("text") or "")
    return ""


def _meaning(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return uuid.uuid4()


def _document_names(collection: Collection) -> dict[str, Document]:
    """Documents by every name a file may call them; the oldest wins."""
    found: dict[str, Document] = {}
    rows = Document.objects.filter(collection=collection).exclude(status=DocumentStatus.DELETING)
    for row in rows.order_by("created_at"):
        for name in (str(row.pk), row.name, row.name.rpartition(".")[0], row.title):
            if name:
                found.setdefault(fold(name), row)
    return found
