"""People: one User, with how they like to read. Roles are groups, see accounts/roles.py."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.names import check_name, clean_name, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable


class User(AbstractUser):
    """A person who can sign in.

    name_key: the user name folded, so that no two people have names that look the same.
    """

    name_key = models.CharField(max_length=450, unique=True, editable=False)

    language = models.CharField(
        _("language"), max_length=12, blank=True, help_text=_("Empty: the browser's language.")
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text=_("Empty: the site's time zone.")
    )

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    def save(
        self,
        force_insert: "bool | tuple[models.base.ModelBase, ...]" = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: "Iterable[str] | None" = None,
    ) -> None:
        """Keep the key in step with the name."""
        if update_fields is None or "username" in update_fields:
            self.name_key = name_key(self.username)
            update_fields = update_fields and {*update_fields, "name_key"}
        super().save(
            force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields
        )

    def clean(self) -> None:
        """Refuse a name that another person's could be taken for. Raises: ValidationError."""
        super().clean()
        self.username = clean_name(self.username)
        check_name(self.username)
        if User.objects.filter(name_key=name_key(self.username)).exclude(pk=self.pk).exists():
            raise ValidationError({"username": _("This name is taken, or too close to one that is.")})

    @property
    def display_name(self) -> str:
        """What others see: the full name, else the user name."""
        return self.get_full_name() or self.get_username()

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.display_name.split()
        return "".join(word[0] for word in words[:2]).upper()


class AuditEntry(models.Model):
    """Somebody looked at or changed something that is not their own.

    verb: what was done, as "transcript.view"; subject: what it was done to, as "conversation:<id>";
    address: the caller's. Rows are only ever added.
    """

    actor = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("who")
    )
    verb = models.CharField(_("what"), max_length=60)
    subject = models.CharField(_("of what"), max_length=200)
    at = models.DateTimeField(_("when"), default=timezone.now)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)

    class Meta:
        """Newest first."""

        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["subject", "-at"], name="audit_subject"),
            models.Index(fields=["-at"], name="audit_recent"),
        ]

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.actor} {self.verb} {self.subject}"
