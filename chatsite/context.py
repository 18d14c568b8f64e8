"""What every template may use."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Settings that pages show."""
    return {"signup_is_open": settings.SIGNUP, "admin_url": settings.ADMIN_URL}
