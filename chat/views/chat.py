"""The chat pages: the way in, a new chat with an assistant, one conversation."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET

from accounts.roles import is_knowledge_administrator
from chat import history
from chat.models import Assistant, Conversation
from chat.views.words import catalogue
from chat.visitors import Visitor, ensure_guest, visitor_of
from inference.conf import get_engine
from inference.errors import EngineError
from knowledge.access import manageable_collections, readable_collections
from knowledge.models import Document, DocumentStatus


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first assistant the visitor may talk to."""
    assistant = Assistant.objects.for_visitor(visitor_of(request.user, request.session)).first()
    if assistant is not None:
        return redirect("chat:assistant", assistant.slug)
    if not request.user.is_authenticated and Assistant.objects.exists():
        return redirect_to_login(request.get_full_path())
    return render(request, "chat/nothing.html", _steps(request))


@require_GET
def new_chat(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an assistant, ready for a question; a guest gets a session of their own."""
    assistant = get_object_or_404(Assistant, slug=slug)
    if not assistant.is_public and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    return _page(request, _Chat(ensure_guest(request), assistant))


@require_GET
def conversation(request: HttpRequest, slug: str, conversation_id: UUID) -> HttpResponse:
    """Show a conversation of the visitor's own; somebody else's is as missing as none."""
    visitor = visitor_of(request.user, request.session)
    found = (
        Conversation.objects.for_visitor(visitor)
        .select_related("assistant")
        .filter(pk=conversation_id, assistant__slug=slug)
        .first()
    )
    if found is None:
        raise Http404
    return _page(request, _Chat(visitor, found.assistant, found))


@dataclass(frozen=True, slots=True)
class _Chat:
    visitor: Visitor
    assistant: Assistant
    conversation: Conversation | None = None


def _page(request: HttpRequest, chat: _Chat) -> HttpResponse:
    listed = list(
        Conversation.objects.for_visitor(chat.visitor).select_related("assistant")[: history.LISTED]
    )
    context = {
        "assistant": chat.assistant,
        "assistants": Assistant.objects.for_visitor(chat.visitor),
        "conversation": chat.conversation,
        "messages_shown": history.shown(chat.conversation) if chat.conversation else [],
        "days": history.by_day(listed),
        "document_count": _document_count(request, chat.assistant),
        "greeting": chat.assistant.localized("greeting"),
        "description": chat.assistant.localized("description"),
        "placeholder": chat.assistant.localized("placeholder"),
        "starters": chat.assistant.starters_for(),
        "max_chars": settings.MAX_QUESTION_CHARS,
        "attach": _attach(chat.assistant),
        "no_conversation": UUID(int=0),
        "words": catalogue(),
        "is_first_visit": not listed,
        **_steps(request),
    }
    response = render(request, "chat/conversation.html", context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _attach(assistant: Assistant) -> dict[str, object]:
    """Say what the composer needs to know about pictures."""
    try:
        sees_images = get_engine(assistant.engine).sees_images
    except EngineError:  # the reply will say what is wrong with it
        sees_images = True
    return {
        "url": reverse("chat:attachments"),
        "max_images": settings.MAX_IMAGES,
        "max_bytes": settings.MAX_IMAGE_MB * 1024 * 1024,
        "sees_images": sees_images,
    }


def _steps(request: HttpRequest) -> dict[str, object]:
    """Say what the first steps may offer this reader."""
    may_add_documents = (
        is_knowledge_administrator(request.user) or manageable_collections(request.user).exists()
    )
    return {"may_add_documents": may_add_documents}


def _document_count(request: HttpRequest, assistant: Assistant) -> int:
    """Count what the assistant can answer this reader from."""
    collections = readable_collections(request.user).filter(assistants=assistant)
    return Document.objects.filter(collection__in=collections, status=DocumentStatus.READY).count()
