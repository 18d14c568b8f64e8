"""The frame round every page: rooms on the spine, theme, the section's own style sheet."""

from dataclasses import dataclass

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.preferences import THEME_COOKIE, THEMES
from accounts.roles import is_support_staff, may_change_assistants
from knowledge import access

register = template.Library()

SECTION_SHEETS = {
    "knowledge": "css/knowledge.css",
    "review": "css/review.css",
    "assistants": "css/settings.css",
    "models": "css/models.css",
}


@dataclass(frozen=True, slots=True)
class Room:
    """A link of the spine; `is_below` stands at its foot."""

    name: str
    label: str
    icon: str
    url: str
    is_current: bool
    is_below: bool = False


def _request(context: Context) -> HttpRequest | None:
    request = context.get("request")
    return request if isinstance(request, HttpRequest) else None


def _section(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.app_name if match is not None else ""


def _manages_knowledge(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and access.manageable_collections(user).exists()


@register.simple_tag(takes_context=True)
def rooms(context: Context) -> list[Room]:
    """List the rooms this reader may enter."""
    request = _request(context)
    if request is None:
        return []
    section = _section(request)
    links = [Room("chat", _("Chat"), "chat", "/", section == "chat")]
    if _manages_knowledge(request):
        links.append(Room("knowledge", _("Knowledge"), "book", "/knowledge/", section == "knowledge"))
    if is_support_staff(request.user):
        links.append(Room("review", _("Review"), "review", reverse("review:list"), section == "review"))
    if isinstance(request.user, User) and request.user.is_superuser:
        links.append(Room("models", _("Models"), "chip", reverse("models:page"), section == "models"))
    if may_change_assistants(request.user):
        url = reverse("assistants:list")
        links.append(Room("assistants", _("Assistants"), "gear", url, section == "assistants", is_below=True))
    return links


@register.filter
def last_is_below(links: list[Room]) -> bool:
    """Say whether the foot of the spine has begun."""
    return bool(links) and links[-1].is_below


@register.simple_tag(takes_context=True)
def section_sheet(context: Context) -> str:
    """Name the style sheet of the page's section, empty when the shared ones do."""
    request = _request(context)
    return SECTION_SHEETS.get(_section(request), "") if request is not None else ""


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """Name the theme the reader chose: system, light or dark."""
    request = _request(context)
    chosen = request.COOKIES.get(THEME_COOKIE, "") if request is not None else ""
    return chosen if chosen in THEMES else "system"


@register.simple_tag(takes_context=True)
def theme_attribute(context: Context) -> SafeString:
    """Write data-theme, or nothing where the system decides."""
    chosen = theme(context)
    return SafeString("") if chosen == "system" else format_html(' data-theme="{}"', chosen)


@register.filter
def pressed_if(value: str, wanted: str) -> str:
    """Write an aria-pressed value."""
    return "true" if value == wanted else "false"
