"""What every template may use."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from accounts.models import User
from chatsite.seeding import PEOPLE


def site(request: HttpRequest) -> dict[str, object]:
    """Settings that pages show, and the demo accounts (asked for only by the pages that show them)."""
    return {
        "signup_is_open": settings.SIGNUP,
        "admin_url": settings.ADMIN_URL,
        "demo_accounts": SimpleLazyObject(demo_accounts),
    }


def demo_accounts() -> list[dict[str, object]]:
    """Name who a first visitor may sign in as: the seeded people, until the first of them has."""
    people = dict(User.objects.filter(username__in=PEOPLE).values_list("username", "last_login"))
    if "admin" not in people or any(people.values()):
        return []
    return [{"username": name, "role": gettext(role)} for name, role in PEOPLE.items() if name in people]
