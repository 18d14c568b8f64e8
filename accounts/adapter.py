"""How the site bends django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is a setting."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether a stranger may make an account."""
        return bool(settings.SIGNUP)
