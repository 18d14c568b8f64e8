"""A document's page as those who manage it see it: chunks beside the paper, versions, log, what to do."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.roles import is_support_staff
from knowledge import log
from knowledge.extract.clean import clean_line
from knowledge.failures import what_stands
from knowledge.models import Document, DocumentEvent
from knowledge.views.cards import Card, Editing, build_cards, find
from knowledge.views.history import compare, version_rows
from knowledge.views.leaves import leaf_of
from knowledge.views.paper import lay_out
from knowledge.views.rows import build_rows
from knowledge.views.shown import Shown, for_manager, number_of
from knowledge.views.standing import facts, pills

TABS: Final = ("chunks", "summary", "cited", "versions", "log")
QUERY_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log, worded."""

    event: DocumentEvent
    sentence: str


def page(request: HttpRequest, document: Document, editing: Editing | None = None) -> HttpResponse | None:
    """Show the tab that is asked for; None where a chunk or version is asked for that is gone."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    may_see_answers = is_support_staff(request.user)
    if tab == "cited" and not may_see_answers:
        tab = TABS[0]
    row = build_rows([document], with_wait=True)[0]
    context: dict[str, object] = {
        "document": document,
        "row": row,
        "pills": pills(document, row),
        "stands": what_stands(document),
        "tab": tab,
        "may_see_answers": may_see_answers,
        "version_count": document.versions.count(),
        "here": request.get_full_path() if request.method == "GET" else _here(document),
        "next_version": document.version + 1,
    }
    if tab == "chunks":
        chunks = _chunks(request, document, editing)
        if chunks is None:
            return None
        context |= chunks
    elif tab == "versions":
        context |= _versions(request, document)
    elif tab == "log":
        context["lines"] = lines_of(document)
    return render(request, "knowledge/document.html", context)


def lines_of(document: Document) -> list[Line]:
    """Word a document's log, newest first."""
    events = document.events.select_related("user").order_by("-pk")[: log.KEPT]
    return [Line(event, log.sentence(event)) for event in events]


def _here(document: Document) -> str:
    return reverse("knowledge:document", args=[document.pk])


def _chunks(request: HttpRequest, document: Document, editing: Editing | None) -> dict[str, object] | None:
    asked = request.GET
    edited = str(editing.chunk_id) if editing else asked.get("edit", "")
    shown = for_manager(document, asked.get("chunk", "") or edited, asked.get("version", ""))
    if shown is None:
        return None
    query = clean_line(asked.get("q", ""))[:QUERY_CHARS]
    leaf = leaf_of(shown, part=asked.get("part", ""), page=asked.get("page", ""), by_page=True)
    found, found_count = find(shown, query) if query else (leaf.chunks, 0)
    if editing is None and (number := number_of(edited)):
        editing = Editing(number, shown.open.text if shown.open else "")
    kept = {"q": query} if query else {}
    if shown.release is not None:
        kept["version"] = str(shown.version)
    return {
        "shown": shown,
        "leaf": leaf,
        "areas": lay_out(leaf.chunks, shown.open.pk if shown.open else None),
        "cards": build_cards(found, shown, editing),
        "facts": facts(document),
        "query": query,
        "found_count": found_count,
        "kept": urlencode(kept),
    }


def card_of(document: Document, chunk_id: int, editing: Editing | None = None) -> tuple[Card, Shown] | None:
    """Return one chunk's card as the draft has it now, marked; None where it is gone."""
    shown = for_manager(document, str(chunk_id))
    if shown is None or shown.open is None or not shown.is_draft:
        return None
    return build_cards([shown.open], shown, editing)[0], shown


def _versions(request: HttpRequest, document: Document) -> dict[str, object]:
    older, newer = (number_of(request.GET.get(name, "")) for name in ("from", "to"))
    rows = version_rows(document)
    known = {row.version.number for row in rows}
    comparison = compare(document, older, newer) if older in known and newer in known else None
    return {"versions": rows, "comparison": comparison}
