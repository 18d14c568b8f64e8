"""The models page of administrators: engines, the catalogue, downloads, two models side by side."""

import shutil
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import User
from chat.attachments.errors import AttachmentError
from chat.model_desk import duel as duels
from chat.model_desk import engines, pulls, shelf, telling
from chat.model_desk.asked import KIND, Asked
from chat.model_desk.contenders import contenders
from chat.model_desk.duel_state import duel_state
from chat.model_desk.forms import DuelForm
from chat.model_desk.picture import picture_of
from chat.models import Assistant
from inference import conf
from inference.catalogue import Model, catalogue
from inference.pull_errors import PullImpossible
from jobs.errors import JobError, LogUnavailable
from jobs.models import Job

CHANGED = "models-changed"  # what the page listens to, to look at the engines again

Given = ParamSpec("Given")
View = Callable[Concatenate[HttpRequest, Given], HttpResponse]


def superuser_only(view: View[Given]) -> Callable[..., HttpResponse]:
    """Let superusers in; for anybody else who is signed in there is nothing here."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
        if not (isinstance(request.user, User) and request.user.is_superuser):
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(checked)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _engine_rows() -> list[engines.EngineRow]:
    return engines.rows(list(Assistant.objects.only("slug", "name", "engine", "created_at")))


def _engines_context(rows: list[engines.EngineRow]) -> dict[str, object]:
    return {
        "engines": rows,
        "active": next((row for row in rows if row.is_active), None),
        "is_auto": settings.ENGINE == conf.AUTO,
        "auto_order": [str(conf.KINDS[name].label) for name in conf.AUTO_ORDER],
        "is_embedded": settings.IS_EMBEDDED,
        "disk_free": shutil.disk_usage(settings.DATA_DIR).free,
    }


@superuser_only
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the whole page; nothing is loaded for it."""
    rows = _engine_rows()
    listed = shelf.shelf(rows)
    form = DuelForm(user=_user(request), choices=contenders(rows, listed))
    key = request.GET.get("asked", "")
    try:
        shown = duel_state(key, _user(request)) if key else None
    except LogUnavailable:
        shown = None
    context = {**_engines_context(rows), "models": listed, "form": form, "duel": shown}
    return render(request, "models/page.html", context)


@superuser_only
@require_safe
def engine_list(request: HttpRequest) -> HttpResponse:
    """Draw the engines again, as they stand now."""
    return render(request, "models/_engines.html", _engines_context(_engine_rows()))


def _model(model_id: str) -> Model:
    found = next((model for model in catalogue().models if model.id == model_id), None)
    if found is None:
        raise Http404
    return found


@superuser_only
@require_safe
def status(request: HttpRequest, model_id: str) -> HttpResponse:
    """Draw how one model stands; asked for every second while it is being fetched."""
    return _status(request, _model(model_id))


def _status(request: HttpRequest, model: Model) -> HttpResponse:
    row = shelf.one_row(model)
    response = render(request, "models/_status.html", {"row": row})
    if row.state != shelf.ModelState.PULLING:
        response["HX-Trigger"] = CHANGED
    return response


@superuser_only
@require_POST
def pull(request: HttpRequest, model_id: str) -> HttpResponse:
    """Start a download."""
    model, engine = _model(model_id), request.POST.get("engine", "onnx")
    try:
        pulls.start_pull(model, engine, owner=f"u:{request.user.pk}")
    except PullImpossible as exc:
        return HttpResponse(telling.sentence(exc.code), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    audit.record(request, "model.pull", f"{engine}:{model.id}")
    if request.headers.get("HX-Request"):
        return _status(request, model)
    messages.success(request, _("The download of %(model)s has started.") % {"model": model.id})
    return redirect(f"{reverse('models:page')}#model-{shelf.dom_id(model.id)}")


@superuser_only
@require_POST
def stop(request: HttpRequest, model_id: str) -> HttpResponse:
    """Stop a download; what is here is kept."""
    model = _model(model_id)
    pulls.stop_pull(model)
    if request.headers.get("HX-Request"):
        return _status(request, model)
    return redirect(f"{reverse('models:page')}#model-{shelf.dom_id(model.id)}")


@superuser_only
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask two models the same question."""
    rows = _engine_rows()
    choices = contenders(rows, shelf.shelf(rows))
    form = DuelForm(request.POST, request.FILES, user=_user(request), choices=choices)
    if not form.is_valid():
        return _refused(request, [str(error) for errors in form.errors.values() for error in errors])
    by_value = {one.value: one for one in choices}
    collection = form.cleaned_data["collection"]
    try:
        picture = picture_of(form.cleaned_data["picture"])
        asked = Asked(
            question=form.cleaned_data["question"],
            sides=tuple(by_value[form.cleaned_data[name]] for name in ("left", "right")),
            collection=collection.slug if collection else "",
            user_id=_user(request).pk,
            guidance=form.guidance,
            has_picture=picture is not None,
        )
        key = duels.ask(asked, picture)
    except (AttachmentError, JobError) as exc:
        return _refused(request, [str(exc.user_message)])
    if request.headers.get("HX-Request"):
        return _duel(request, key)
    return redirect(f"{reverse('models:page')}?asked={key}#duel")


def _refused(request: HttpRequest, sentences: list[str]) -> HttpResponse:
    """Say why nothing was asked; htmx shows it in place, a plain form gets it as a message."""
    if request.headers.get("HX-Request"):
        return render(request, "models/_refused.html", {"sentences": sentences})
    for sentence in sentences:
        messages.error(request, sentence)
    return redirect("models:page")


@superuser_only
@require_safe
def duel(request: HttpRequest, key: str) -> HttpResponse:
    """Draw both answers as far as they are."""
    return _duel(request, key)


def _duel(request: HttpRequest, key: str) -> HttpResponse:
    try:
        state = duel_state(key, _user(request))
    except LogUnavailable:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)  # what is shown stays, and is asked again
    if state is None:
        raise Http404
    return render(request, "models/_duel.html", {"duel": state})


@superuser_only
@require_POST
def stop_duel(request: HttpRequest, key: str) -> HttpResponse:
    """Stop both."""
    job = Job.objects.filter(kind=KIND, subject=key, owner=f"u:{request.user.pk}").first()
    if job is None:
        raise Http404
    duels.stop(job)
    if request.headers.get("HX-Request"):
        return _duel(request, key)
    return redirect(f"{reverse('models:page')}?asked={key}#duel")
