"""Actions on many documents of the list: chosen ones, or all that the list shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from knowledge import bulk
from knowledge.bulk import MOST, Outcome
from knowledge.extract.clean import clean_line
from knowledge.listing import Choice, matching
from knowledge.models import Collection, Document, DocumentStatus
from knowledge.published import published
from knowledge.views import notices
from knowledge.views.doors import managed, manager_required, reader

ASKED_FIRST = ("delete", "move")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The documents an action is for. left_out: how many more there are than one action takes."""

    documents: Sequence[Document]
    left_out: int = 0


@require_POST
@manager_required
def act(request: HttpRequest) -> HttpResponse:
    """Do one thing to many documents and say what came of it; ask first where something may be lost."""
    action = request.POST.get("action", "")
    if action == "undo":
        return _undo(request)
    chosen = _chosen(request, action)
    if not chosen.documents:
        messages.error(request, _("Nothing was chosen that this can be done to."))
        return redirect(notices.safe_next(request))
    if action in ASKED_FIRST and not request.POST.get("confirmed"):
        return _ask(request, action, chosen)
    outcome = _do(request, action, chosen.documents)
    if outcome is None:
        return redirect(notices.safe_next(request))
    _tell(request, action, outcome, chosen.left_out)
    return redirect(notices.safe_next(request))


def _chosen(request: HttpRequest, action: str) -> Chosen:
    """Read which documents are meant; ids of other people's documents are as good as none."""
    if request.POST.get("all"):
        found = bulk.applicable(matching(managed(request), choice_of(request.POST)), action)
        return _first(request, [*found.values_list("pk", flat=True)])
    ids = [pk for text in request.POST.getlist("document") if (pk := _uuid(text))]
    return _first(request, list(dict.fromkeys(ids)))


def _first(request: HttpRequest, ids: list[UUID]) -> Chosen:
    rows = Document.objects.filter(pk__in=ids[:MOST], collection__in=managed(request))
    rows = rows.exclude(status=DocumentStatus.DELETING)
    found = list(rows.select_related("collection").order_by("name", "pk"))
    return Chosen(found, max(0, len(ids) - MOST))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def choice_of(values: QueryDict) -> Choice:
    """Read what the list shows from a form or an address."""
    return Choice(
        slug=clean_line(values.get("collection", "")),
        status=values.get("status", ""),
        query=clean_line(values.get("q", ""))[:200],
        sort=values.get("sort", ""),
    )


def _ask(request: HttpRequest, action: str, chosen: Chosen) -> HttpResponse:
    """Name what is lost, and the gentler choice."""
    places = {document.collection_id for document in chosen.documents}
    context = {
        "action": action,
        "documents": chosen.documents,
        "count": len(chosen.documents),
        "left_out": chosen.left_out,
        "chunks": bulk.count_chunks(chosen.documents),
        "published": len(published(chosen.documents)),
        "targets": [
            place for place in managed(request).order_by("name") if len(places) > 1 or place.pk not in places
        ],
        "next": notices.safe_next(request),
    }
    name = "_bulk_dialog.html" if request.headers.get("HX-Request") else "bulk.html"
    return render(request, f"knowledge/{name}", context)


def _do(request: HttpRequest, action: str, documents: Sequence[Document]) -> Outcome | None:
    """Do it; None for an action there is not, or a target that is not the person's."""
    by = _person(request)
    if action == "again":
        return bulk.process_again(documents, by=by)
    if action in ("enable", "disable"):
        return bulk.enable(documents, is_on=action == "enable", by=by)
    if action == "delete":
        return bulk.delete(documents)
    target = _target(request)
    if action != "move" or target is None:
        messages.error(request, _("Choose a collection to move to."))
        return None
    return bulk.move(documents, target, by=by, even_published=bool(request.POST.get("even_published")))


def _target(request: HttpRequest) -> Collection | None:
    return managed(request).filter(slug=clean_line(request.POST.get("target", ""))).first()


def _person(request: HttpRequest) -> User | None:
    person = reader(request)
    return person if isinstance(person, User) else None


def _tell(request: HttpRequest, action: str, outcome: Outcome, left_out: int = 0) -> None:
    sentences = []
    if outcome.done or not outcome.refused:
        sentences.append(_done(action, len(outcome.done)))
    if outcome.refused:
        count = len(outcome.refused)
        sentences.append(
            ngettext("%(count)d was left as it is.", "%(count)d were left as they are.", count)
            % {"count": count}
        )
    if left_out:
        sentences.append(
            _("One action takes %(most)d documents; %(left)d are left: do it again.")
            % {"most": MOST, "left": left_out}
        )
    text = " ".join(sentences)
    if action in ("enable", "disable") and outcome.done:
        notices.offer_undo(request, "disable" if action == "enable" else "enable", outcome.done)
    tell = messages.warning if outcome.refused or left_out else messages.success
    tell(request, text)
    notices.keep_refusals(request, "action", outcome.refused)


def _done(action: str, count: int) -> str:
    if action == "again":
        text = ngettext("%(count)d document is read again.", "%(count)d documents are read again.", count)
    elif action == "enable":
        text = ngettext("%(count)d document was enabled.", "%(count)d documents were enabled.", count)
    elif action == "disable":
        text = ngettext("%(count)d document was disabled.", "%(count)d documents were disabled.", count)
    elif action == "move":
        text = ngettext("%(count)d document is being moved.", "%(count)d documents are being moved.", count)
    else:
        text = ngettext(
            "%(count)d document is being deleted.", "%(count)d documents are being deleted.", count
        )
    return text % {"count": count}


def _undo(request: HttpRequest) -> HttpResponse:
    offer = notices.take_undo(request)
    if offer is None:
        messages.error(request, _("There is nothing to undo any more."))
        return redirect(notices.safe_next(request))
    chosen = _first(request, [pk for text in offer["ids"] if (pk := _uuid(text))])
    outcome = bulk.enable(chosen.documents, is_on=offer["action"] == "enable", by=_person(request))
    messages.success(request, _done(offer["action"], len(outcome.done)))
    return redirect(notices.safe_next(request))
