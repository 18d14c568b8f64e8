"""How the site bends django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.addresses import client_address
from accounts.models import User
from accounts.names import check_name, clean_name, name_key


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is a setting, names stay distinct, and nobody is sent to another site."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("User name and password don’t match."),
        "email_password_mismatch": _("User name and password don’t match."),
        "too_many_login_attempts": _("Too many tries. Wait a few minutes, then try again."),
        "enter_current_password": _("This is not your current password."),
        "username_taken": _("This name is taken, or too close to one that is."),
        "email_taken": _("An account with this e-mail address exists. Sign in, or ask for a new password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether a stranger may make an account."""
        return bool(settings.SIGNUP)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Return the name as it is kept. Raises: ValidationError when it is taken or misleads."""
        cleaned = str(super().clean_username(clean_name(username), shallow))
        check_name(cleaned)
        if not shallow and User.objects.filter(name_key=name_key(cleaned)).exists():
            raise ValidationError(self.error_messages["username_taken"], code="username_taken")
        return cleaned

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Lead back to where the change was asked for."""
        return reverse("accounts:settings")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the caller's address, as everywhere else on the site."""
        return client_address(request)

    def is_safe_url(self, url: str) -> bool:
        """Say whether sign-in may lead there: only within this very site."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()} if self.request else None
        )
