"""The room as an installed app, and the administration as one that only superusers enter."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Makes the roles after every migrate."""

    name = "accounts"
    default = True

    def ready(self) -> None:
        """Connect what waits for Django's own signals."""
        from accounts.roles import create_roles

        post_migrate.connect(create_roles, sender=self, dispatch_uid="accounts.create_roles")


class SiteAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS in place of django.contrib.admin."""

    default = False
    default_site = "accounts.admin_site.SuperuserSite"
