"""What the list keeps telling after a reload: what was refused, and what can be undone."""

from collections.abc import Iterable
from typing import Final, TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from knowledge.bulk import Refusal
from knowledge.views.doors import manager_required
from knowledge.views.going_back import our_url

REFUSED: Final = "knowledge_refused"
UNDO: Final = "knowledge_undo"
KEPT: Final = 50  # refusals; what is beyond them is counted


class Refused(TypedDict):
    """The refusals of the last upload or action. kind: "upload" or "action"; more: beyond those named."""

    kind: str
    items: list[tuple[str, str]]
    more: int


class Undo(TypedDict):
    """The action that takes the last one back. is_new: not shown yet."""

    action: str
    ids: list[str]
    is_new: bool


def keep_refusals(
    request: HttpRequest, kind: str, refused: Iterable[Refusal], *, is_more: bool = False
) -> None:
    """Keep refusals until they are dismissed, or others come. is_more: add to those of the same upload."""
    items = [(one.name, str(one.reason)) for one in refused]
    before: Refused | None = request.session.get(REFUSED)
    if is_more and before and before["kind"] == kind:
        items = [(name, reason) for name, reason in before["items"]] + items
    if items:
        kept: Refused = {"kind": kind, "items": items[:KEPT], "more": max(0, len(items) - KEPT)}
        request.session[REFUSED] = kept
    elif not is_more:
        request.session.pop(REFUSED, None)


def offer_undo(request: HttpRequest, action: str, ids: Iterable[object]) -> None:
    """Offer to take back what was just done."""
    offer: Undo = {"action": action, "ids": [str(one) for one in ids], "is_new": True}
    request.session[UNDO] = offer


def take_undo(request: HttpRequest) -> Undo | None:
    """Return what can be undone, once."""
    offer: Undo | None = request.session.pop(UNDO, None)
    return offer


def show_undo(request: HttpRequest) -> bool:
    """Say whether to show the offer: only on the page after the action."""
    offer: Undo | None = request.session.get(UNDO)
    if not offer or not offer["is_new"]:
        return False
    request.session[UNDO] = {**offer, "is_new": False}
    return True


@require_POST
@manager_required
def dismiss(request: HttpRequest) -> HttpResponse:
    """Forget the refusals."""
    request.session.pop(REFUSED, None)
    return redirect(safe_next(request))


def safe_next(request: HttpRequest) -> str:
    """Where the form says to go on, if that is a page of ours; else the list."""
    return our_url(request, request.POST.get("next", "")) or reverse("knowledge:list")
