"""Where knowledge administrators set up who answers, with a preview of the empty chat."""

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.roles import may_change_assistants
from chat.forms import AssistantForm
from chat.models import Assistant


def _editor(request: HttpRequest) -> User:
    """Return the person, who may change assistants. Raises: Http404."""
    if not isinstance(request.user, User) or not may_change_assistants(request.user):
        raise Http404
    return request.user


@login_required
@require_safe
def assistant_list(request: HttpRequest) -> HttpResponse:
    """List the assistants with what they answer from."""
    _editor(request)
    assistants = Assistant.objects.prefetch_related("collections").annotate(
        chats=Count("conversations", distinct=True)
    )
    return render(request, "chat/assistants.html", {"assistants": assistants})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_assistant(request: HttpRequest) -> HttpResponse:
    """Make an assistant."""
    return _form_page(request, Assistant())


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_assistant(request: HttpRequest, slug: str) -> HttpResponse:
    """Change an assistant."""
    _editor(request)
    return _form_page(request, get_object_or_404(Assistant, slug=slug))


def _form_page(request: HttpRequest, assistant: Assistant) -> HttpResponse:
    """Show the form; save it, or with the button "Preview" only show what would come of it."""
    editor = _editor(request)
    kept_name, kept_slug = assistant.name, assistant.slug
    form = AssistantForm(request.POST or None, instance=assistant, user=editor)
    is_preview = "preview" in request.POST
    if request.method == "POST" and form.is_valid() and not is_preview:
        with transaction.atomic():
            saved = form.save()
        messages.success(request, _("“%(name)s” is saved.") % {"name": saved.name})
        return redirect("assistants:edit", slug=saved.slug)
    if form.is_bound:
        form.apply()
    context = {
        "form": form,
        "assistant": assistant,
        "kept_name": kept_name,
        "kept_slug": kept_slug,
        **_preview_context(request, assistant),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors and not is_preview else HTTPStatus.OK
    return render(request, "chat/assistant.html", context, status=status)


def _preview_context(request: HttpRequest, assistant: Assistant) -> dict[str, object]:
    """Say in which language the preview speaks: the one asked for, else the reader's."""
    codes = [code for code, _name in settings.LANGUAGES]
    code = request.POST.get("preview_language") or str(getattr(request, "LANGUAGE_CODE", ""))
    code = code if code in codes else codes[0]
    return {
        "preview_language": code,
        "preview_direction": "rtl" if get_language_info(code)["bidi"] else "ltr",
        "greeting": assistant.localized("greeting", code),
        "description": assistant.localized("description", code),
        "placeholder": assistant.localized("placeholder", code),
        "starters": assistant.starters_for(code),
    }


@login_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Draw the empty chat page as the form stands, saving nothing."""
    form = AssistantForm(request.POST, instance=Assistant(), user=_editor(request))
    form.full_clean()
    assistant = form.apply()
    assistant.name = str(form.cleaned_data.get("name") or request.POST.get("name", ""))[:120]
    context = {"assistant": assistant, **_preview_context(request, assistant)}
    return render(request, "chat/_assistant_preview.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_assistant(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask, naming what is lost; then delete an assistant with its conversations."""
    _editor(request)
    assistant = get_object_or_404(Assistant, slug=slug)
    if request.method == "POST":
        name = assistant.name
        assistant.delete()
        messages.success(request, _("“%(name)s” is deleted.") % {"name": name})
        return redirect("assistants:list")
    chats = assistant.conversations.count()
    return render(request, "chat/assistant_delete.html", {"assistant": assistant, "chats": chats})
