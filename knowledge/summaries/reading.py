"""A stored summary as it is read: whether it still holds, its blocks, where its citations lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from inference.quoting import escape
from knowledge.errors import DocumentLost
from knowledge.models import Chunk, Collection, Document, Summary
from knowledge.passages import as_passages
from knowledge.retrieval_types import Passage
from knowledge.scope import DRAFT, LIVE, Scope, chunks_answering
from knowledge.summaries.material import fingerprint
from knowledge.summaries.notes import CITATION
from knowledge.summaries.work import WRITES_NOTHING


@dataclass(frozen=True, slots=True)
class Piece:
    """Plain words, or (n set) a citation with the address of its passage and what to call it."""

    text: str
    n: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or the items of a list."""

    is_list: bool
    lines: tuple[tuple[Piece, ...], ...]


def stored_summary(document: Document, scope: Scope = LIVE) -> Summary | None:
    """Return the document's summary where it is of exactly what this scope holds of it."""
    summary = Summary.objects.filter(document=document).exclude(text="").first()
    return summary if summary is not None and summary.of == fingerprint(document, scope) else None


def cites_what_answers(summary: Summary, collection: Collection) -> bool:
    """Say whether every passage that a collection's summary cites is in the draft still, as it was cited."""
    cited = {int(one["chunk"]) for one in summary.passages}
    return chunks_answering([collection], DRAFT).filter(pk__in=cited).count() == len(cited)


def blocks(summary: Summary) -> list[Block]:
    """Return the text as paragraphs and lists; words stay words, whatever they look like."""
    found: list[Block] = []
    for line in filter(None, (line.strip() for line in summary.text.split("\n"))):
        is_item = line.startswith("- ")
        pieces = tuple(_pieces(line[2:] if is_item else line, summary.passages))
        if is_item and found and found[-1].is_list:
            found[-1] = Block(True, (*found[-1].lines, pieces))
        else:
            found.append(Block(is_item, (pieces,)))
    return found


def _pieces(line: str, passages: Sequence[dict[str, object]]) -> list[Piece]:
    pieces, done = [], 0
    for mark in CITATION.finditer(line):
        n = int(mark[1])
        if not 0 < n <= len(passages):
            continue
        said = line[done : mark.start()].rstrip()  # the mark stays with the word before it
        pieces += [Piece(said), Piece(_place(passages[n - 1]), n, _url(passages[n - 1]))]
        done = mark.end()
    return [piece for piece in [*pieces, Piece(line[done:])] if piece.text or piece.n]


def _place(passage: dict[str, object]) -> str:
    return " · ".join(str(passage[key]) for key in ("title", "heading") if passage.get(key))


def _url(passage: dict[str, object]) -> str:
    page = reverse("knowledge:document", args=[UUID(str(passage["document"]))])
    return f"{page}?chunk={passage['chunk']}#chunk-{passage['chunk']}"


def as_markdown(text: str) -> str:
    """Write a text whose words were taken from documents so that Markdown shows them as they are."""
    lines = []
    for line in text.split("\n"):
        mark = "- " if line.startswith("- ") else ""
        kept = CITATION.findall(line)
        said = [escape(part) for part in CITATION.split(line[len(mark) :])[::2]]
        cited = [f"[{n}]" for n in kept] + [""]
        lines.append(mark + "".join(_join(part, n) for part, n in zip(said, cited, strict=True)))
    return "\n".join(lines)


def _join(part: str, citation: str) -> str:
    return f"{part} {citation}" if part and citation else part + citation


def is_by_model(summary: Summary) -> bool:
    """Say whether a model wrote it."""
    return summary.engine != WRITES_NOTHING


def sources_of(ids: Sequence[int], scope: Scope = LIVE) -> list[Passage]:
    """Return these chunks as passages, in order, for the sources of a reply. Raises: DocumentLost."""
    rows = Chunk.objects.select_related("document__collection").in_bulk(ids)
    if any(pk not in rows for pk in ids):
        raise DocumentLost("a passage of the summary is gone")
    return as_passages([rows[pk] for pk in ids], scope)
