"""People: one User, with how they like to read. Roles are groups, see accounts/roles.py."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who can sign in."""

    language = models.CharField(
        _("language"), max_length=12, blank=True, help_text=_("Empty: the browser's language.")
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text=_("Empty: the site's time zone.")
    )

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    @property
    def display_name(self) -> str:
        """What others see: the full name, else the user name."""
        return self.get_full_name() or self.get_username()

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.display_name.split()
        return "".join(word[0] for word in words[:2]).upper()
