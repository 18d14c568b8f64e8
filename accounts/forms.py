"""The door's forms and a person's preferences."""

from typing import TYPE_CHECKING, ClassVar
from zoneinfo import available_timezones

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
    SignupForm,
)
from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NAME_ATTRIBUTES = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
LABELS = {
    "login": _("User name or e-mail"),
    "username": _("User name"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "oldpassword": _("Your password until now"),
    "password1": _("Password"),
    "password2": _("The same password again"),
}
NEW_PASSWORD = _("New password")
HINTS = {"password1": _("At least 8 characters; a few words are better than symbols.")}


class _InOurWords(forms.Form):
    """Labels stand above the fields, so there are no placeholders; hints are one sentence."""

    labels: "ClassVar[dict[str, StrOrPromise]]" = {}

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Write the labels and hints of the fields that django-allauth made."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, field in self.fields.items():
            field.label = self.labels.get(name) or LABELS.get(name, field.label)
            field.help_text = HINTS.get(name, "")
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_InOurWords, LoginForm):  # type: ignore[misc]
    """The fields are called `username` and `password` from outside; an e-mail address does as well."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Help password managers."""
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs = dict(NAME_ATTRIBUTES)

    def add_prefix(self, field_name: str) -> str:
        """Name the fields as scripts and password managers expect."""
        return str(super().add_prefix("username" if field_name == "login" else field_name))


class SignUpForm(_InOurWords, SignupForm):  # type: ignore[misc]
    """A new account."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Say what the address is for."""
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= NAME_ATTRIBUTES
        self.fields["email"].help_text = _("Only to send you a new password when you ask for one.")


class PasswordChangeForm(_InOurWords, ChangePasswordForm):  # type: ignore[misc]
    """Another password, by who knows the present one."""

    labels: "ClassVar[dict[str, StrOrPromise]]" = {"password1": NEW_PASSWORD}


class PasswordSetForm(_InOurWords, SetPasswordForm):  # type: ignore[misc]
    """A first password."""


class PasswordResetForm(_InOurWords, ResetPasswordForm):  # type: ignore[misc]
    """Ask for the link by mail."""


class PasswordFromLinkForm(_InOurWords, ResetPasswordKeyForm):  # type: ignore[misc]
    """Another password, by who got the link."""

    labels: "ClassVar[dict[str, StrOrPromise]]" = {"password1": NEW_PASSWORD}


class PasswordAgainForm(_InOurWords, ReauthenticateForm):  # type: ignore[misc]
    """The present password once more."""


def zones() -> list[tuple[str, str]]:
    """List the world's time zones by region and city."""
    return [
        (zone, zone.replace("_", " "))
        for zone in sorted(available_timezones())
        if "/" in zone or zone == "UTC"
    ]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a person is called and likes to read."""

    class Meta:
        """The person's own fields; not the user name, which others know them by."""

        model = User
        fields: ClassVar[list[str]] = ["first_name", "last_name", "language", "time_zone"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Offer the languages in their own words and every time zone."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        languages = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        self.fields["language"] = forms.ChoiceField(
            label=_("Language"), required=False, choices=[("", _("As the browser says")), *languages]
        )
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"),
            required=False,
            choices=[("", _("As the site: %(zone)s") % {"zone": settings.TIME_ZONE}), *zones()],
        )
        self.fields["first_name"].label, self.fields["last_name"].label = _("First name"), _("Last name")
