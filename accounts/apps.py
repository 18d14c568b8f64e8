"""The room as an installed app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Named after its package."""

    name = "accounts"
