"""The door's forms and a person's preferences."""

from typing import ClassVar
from zoneinfo import available_timezones

from allauth.account.forms import LoginForm, SignupForm
from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SignInForm(LoginForm):  # type: ignore[misc]
    """The fields are called `username` and `password` from outside; an e-mail address does as well."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Write the labels."""
        super().__init__(*args, **kwargs)
        name = self.fields["login"]
        name.label = _("User name or e-mail")
        name.widget.attrs = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        password = self.fields["password"]
        password.label, password.help_text = _("Password"), ""
        password.widget.attrs.pop("placeholder", None)

    def add_prefix(self, field_name: str) -> str:
        """Name the fields as scripts and password managers expect."""
        return str(super().add_prefix("username" if field_name == "login" else field_name))


class SignUpForm(SignupForm):  # type: ignore[misc]
    """A new account."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Write the labels."""
        super().__init__(*args, **kwargs)
        labels = {
            "username": _("User name"),
            "email": _("E-mail address"),
            "password1": _("Password"),
            "password2": _("The same password again"),
        }
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["username"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
        self.fields["email"].help_text = _("Only to send you a new password when you ask for one.")
        self.fields["password1"].help_text = _("At least 8 characters; a few words are better than symbols.")


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
