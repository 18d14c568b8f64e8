"""Where a collection draws the line between answering and refusing: the curve, and a point on it."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.models import User
from knowledge import calibration
from knowledge.calibration import ENOUGH, ENOUGH_REFUSALS, threshold_at
from knowledge.models import Calibration, Collection, Measured
from knowledge.risk import Point
from knowledge.views.doors import collection_to_manage, manager_required, reader

WIDTH, HEIGHT = 560, 260
START, TOP, END, BOTTOM = 48, 16, 16, 40
LEAST_KEPT = 0.8


@dataclass(frozen=True, slots=True)
class Mark:
    """A point as it is drawn and chosen."""

    target: str
    kept: int
    refused: int
    x: float
    y: float
    is_current: bool


class TargetForm(forms.Form):
    """Choose a point of the curve."""

    target = forms.TypedChoiceField(label=gettext_lazy("Answers to keep"), coerce=float)

    def __init__(self, data: object, points: list[Mark]) -> None:
        """Offer the points measured."""
        super().__init__(data)  # type: ignore[arg-type]
        field = self.fields["target"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(mark.target, mark.target) for mark in points]


@require_http_methods(["GET", "POST"])
@manager_required
def answering(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the curve; measure again, or move the point."""
    collection = collection_to_manage(request, slug)
    made = Calibration.objects.filter(collection=collection).first()
    if request.method == "POST":
        return _change(request, collection, made)
    marks = _marks(made) if made else []
    context = {
        "collection": collection,
        "made": made,
        "marks": marks,
        "current": next((mark for mark in marks if mark.is_current), None),
        "line": " ".join(f"{mark.x},{mark.y}" for mark in marks),
        "is_golden": bool(made and made.source == Measured.GOLDEN),
        "is_measuring": calibration.waiting(collection).exists(),
        "enough": ENOUGH,
        "enough_refusals": ENOUGH_REFUSALS,
        "grid": [_grid(share) for share in (0, 25, 50, 75, 100)],
        "ticks": [(share, _x(share / 100)) for share in (80, 85, 90, 95, 100)],
    }
    return render(request, "knowledge/answering.html", context)


def _change(request: HttpRequest, collection: Collection, made: Calibration | None) -> HttpResponse:
    if "measure" in request.POST or made is None:
        user = reader(request)
        calibration.queue(collection, owner=f"u:{user.pk}" if isinstance(user, User) else "")
        messages.success(request, _("It is being measured. This takes about a minute."))
        return redirect("knowledge:answering", collection.slug)
    form = TargetForm(request.POST, _marks(made))
    if form.is_valid():
        calibration.choose(made, form.cleaned_data["target"])
        messages.success(request, _("Saved. It counts from the next question on."))
    else:
        messages.error(request, _("That point was not measured. Choose one from the list."))
    return redirect("knowledge:answering", collection.slug)


def _marks(made: Calibration) -> list[Mark]:
    """Place the measured points, the one that keeps most first."""
    points = sorted((Point(**point) for point in made.points), key=lambda point: point.threshold)
    if not points:
        return []
    current = threshold_at(points, made.target)
    return [
        Mark(
            target=f"{point.kept:.4f}",
            kept=round(point.kept * 100),
            refused=round(point.refused * 100),
            x=_x(point.kept),
            y=_y(point.refused),
            is_current=point.threshold == current,
        )
        for point in points
    ]


def _grid(percent: int) -> tuple[int, float]:
    return percent, _y(percent / 100)


def _x(kept: float) -> float:
    share = (max(LEAST_KEPT, kept) - LEAST_KEPT) / (1 - LEAST_KEPT)
    return round(START + share * (WIDTH - START - END), 1)


def _y(refused: float) -> float:
    return round(TOP + (1 - refused) * (HEIGHT - TOP - BOTTOM), 1)
